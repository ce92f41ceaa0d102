"""The life of a customer's record: registered, changed, closed, reopened, forgotten."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from accounts.commands import (
    CloseAccount,
    CloseCustomer,
    GiveCustomer,
    GiveUser,
    OpenAccount,
    RenameAccount,
)
from accounts.models import Account, AccountEvent
from core.errors import InvalidInput, InvalidTransition, NotFound
from core.identifiers import uuid7
from core.numbers import is_valid_number
from customers.commands import ChangeCustomer, RegisterCustomer, ReopenCustomer
from customers.models import Customer, CustomerEvent
from tests.assertions import nothing_changes
from tests.factories import make_account, make_customer, make_note, run
from transactions.commands import ForgetCustomer
from transactions.models import Note

pytestmark = pytest.mark.django_db

SECRETS = {
    "name": "Augusta Byron",
    "birth_date": date(1815, 12, 10),
    "email": "augusta@example.com",
    "phone": "+44 20 7946-0958",
    "address": "12 St James's Square, London",
    "note": "Prefers letters",
}


def events_of(customer: Customer) -> list[tuple[str, list[str]]]:
    return [(event.event, event.changed) for event in customer.events.order_by("id")]


def test_a_customer_is_registered() -> None:
    customer = run(RegisterCustomer(**SECRETS))
    customer.refresh_from_db()
    assert (customer.kind, customer.status, customer.user) == ("PERSON", "ACTIVE", None)
    assert customer.phone == "+442079460958"
    assert len(customer.number) == 10
    assert is_valid_number(customer.number)
    assert events_of(customer) == [("REGISTERED", sorted(SECRETS))]


@pytest.mark.parametrize(
    ("details", "pointer"),
    [
        ({"registration_number": "HRB 1"}, "/registration_number"),
        ({"kind": "ORGANISATION", "birth_date": date(1990, 1, 1)}, "/birth_date"),
        ({"birth_date": datetime.now(UTC).date() + timedelta(days=2)}, "/birth_date"),
        ({"birth_date": date(1069, 1, 1)}, "/birth_date"),
        ({"email": "ada"}, "/email"),
        ({"email": "ada@example.com, eve@example.com"}, "/email"),
        ({"phone": "call me"}, "/phone"),
        ({"phone": "1" * 20}, "/phone"),
    ],
)
def test_impossible_details_are_refused(details: dict[str, Any], pointer: str) -> None:
    with nothing_changes(), pytest.raises(InvalidInput) as raised:
        run(RegisterCustomer(name="Ada", **details))
    assert [error.pointer for error in raised.value.errors] == [pointer]
    if "kind" not in details:
        customer = make_customer()
        with nothing_changes(), pytest.raises(InvalidInput):
            run(ChangeCustomer(customer_id=customer.pk, details=details))


def test_a_change_says_what_changed_and_not_how() -> None:
    customer = make_customer(email="old@example.com")
    details = {"name": "Ada Lovelace", "email": "new@example.com", "phone": "555 0100"}
    run(ChangeCustomer(customer_id=customer.pk, details=details, reason="Moved"))
    customer.refresh_from_db()
    assert (customer.email, customer.phone) == ("new@example.com", "5550100")
    assert customer.updated_at > customer.created_at
    event = customer.events.get(event="CHANGED")
    assert (event.changed, event.reason) == (["email", "phone"], "Moved")
    with nothing_changes():
        run(ChangeCustomer(customer_id=customer.pk, details=details))


def test_a_missing_customer_is_not_found() -> None:
    missing = uuid7(datetime.now(UTC))
    with pytest.raises(NotFound):
        run(ChangeCustomer(customer_id=missing, details={"name": "Ada"}))
    with pytest.raises(InvalidInput) as raised:
        make_account(customer_id=missing)
    assert raised.value.errors[0].pointer == "/customer"


def test_a_customer_with_an_open_account_is_not_closed() -> None:
    customer = make_customer()
    account = make_account(customer_id=customer.pk)
    with nothing_changes(), pytest.raises(InvalidTransition, match="open account"):
        run(CloseCustomer(customer_id=customer.pk, reason="Left"))
    run(CloseAccount(account_id=account.pk, reason="Left"))
    run(CloseCustomer(customer_id=customer.pk, reason="Left"))
    for command in (
        CloseCustomer(customer_id=customer.pk),
        ChangeCustomer(customer_id=customer.pk, details={"name": "Ada"}),
        OpenAccount(name="Savings", currency="USD", customer_id=customer.pk),
        GiveUser(customer_id=customer.pk, user_id=get_user_model().objects.create_user("x").pk),
    ):
        with nothing_changes(), pytest.raises(InvalidTransition, match="closed"):
            run(command)
    run(ReopenCustomer(customer_id=customer.pk, reason="Came back"))
    with pytest.raises(InvalidTransition, match="active, not closed"):
        run(ReopenCustomer(customer_id=customer.pk))
    assert [name for name, _ in events_of(customer)] == ["REGISTERED", "CLOSED", "REOPENED"]


def test_the_user_of_a_customer_owns_the_accounts() -> None:
    ada = get_user_model().objects.create_user("ada")
    before = make_account(owner_id=ada.pk)
    customer = make_customer()
    account = make_account(customer_id=customer.pk)
    assert (account.owner_id, before.customer_id) == (None, None)
    run(GiveUser(customer_id=customer.pk, user_id=ada.pk, reason="Asked for it"))
    later, by_owner = make_account(customer_id=customer.pk), make_account(owner_id=ada.pk)
    for one in (before, account, later, by_owner):
        one.refresh_from_db()
        assert (one.owner_id, one.customer_id) == (ada.pk, customer.pk)
    event = account.events.get(event="CUSTOMER_GIVEN")
    assert event.after == {"customer_id": str(customer.pk), "owner_id": ada.pk}
    assert account.updated_at == event.at


def test_a_login_passes_to_nobody_else() -> None:
    customer, other = make_customer(user="ada"), make_customer()
    eve = get_user_model().objects.create_user("eve")
    with nothing_changes(), pytest.raises(InvalidTransition, match="user already"):
        run(GiveUser(customer_id=customer.pk, user_id=eve.pk))
    with nothing_changes(), pytest.raises(InvalidInput) as raised:
        run(GiveUser(customer_id=other.pk, user_id=customer.user_id))
    assert raised.value.errors[0].code == "has_customer"
    with nothing_changes(), pytest.raises(InvalidInput) as raised:
        make_account(customer_id=customer.pk, owner_id=eve.pk)
    assert raised.value.errors[0].code == "other_user"


def test_an_account_without_a_customer_gets_one() -> None:
    customer, account = make_customer(user="ada"), make_account(balance=5)
    run(GiveCustomer(account_id=account.pk, customer_id=customer.pk, reason="Found the papers"))
    account.refresh_from_db()
    assert (account.customer, account.owner, account.balance) == (customer, customer.user, 5)
    with nothing_changes(), pytest.raises(InvalidTransition, match="has a customer"):
        run(GiveCustomer(account_id=account.pk, customer_id=make_customer().pk))
    owned = make_account(owner_id=get_user_model().objects.create_user("eve").pk)
    with nothing_changes(), pytest.raises(InvalidInput):
        run(GiveCustomer(account_id=owned.pk, customer_id=customer.pk))


def test_a_forgotten_customer_leaves_no_word_behind() -> None:
    customer = make_customer(user="augusta", **SECRETS)
    account = make_account(
        customer_id=customer.pk,
        name="Augusta Byron",
        metadata={"who": "Augusta"},
        idempotency_key="k-1",
        request_fingerprint="a" * 64,
    )
    run(RenameAccount(account_id=account.pk, name="Byron, savings"))
    run(ChangeCustomer(customer_id=customer.pk, details={"note": "Letters only"}))
    make_note("Augusta rang", customer_id=customer.pk, idempotency_key="one")
    make_note("Augusta paid", account_id=account.pk)
    with nothing_changes(), pytest.raises(InvalidTransition, match="not closed"):
        run(ForgetCustomer(customer_id=customer.pk))
    run(CloseAccount(account_id=account.pk, reason="Left"))
    run(CloseCustomer(customer_id=customer.pk, reason="Left"))
    run(ForgetCustomer(customer_id=customer.pk, reason="Article 17"))
    rows: list[Any] = [
        *Customer.objects.values_list(),
        *CustomerEvent.objects.values_list(),
        *Account.objects.values_list(),
        *AccountEvent.objects.values_list(),
        *get_user_model().objects.values_list(),
        *Note.objects.values_list("text", "request_fingerprint", "actor"),
    ]
    kept = repr(rows).lower()
    for word in ("augusta", "byron", "1815", "79460958", "james", "letters"):
        assert word not in kept, word
    account.refresh_from_db()
    assert (account.name, account.idempotency_key) == ("Forgotten customer", "k-1")
    # A digest of the name could be compared with a guess.
    assert account.request_fingerprint == customer.request_fingerprint == ""
    assert not customer.user or not get_user_model().objects.get(pk=customer.user_id).is_active
    for command in (
        ForgetCustomer(customer_id=customer.pk),
        ReopenCustomer(customer_id=customer.pk),
    ):
        with nothing_changes(), pytest.raises(InvalidTransition, match="forgotten"):
            run(command)


def test_no_event_of_a_customers_account_has_its_name() -> None:
    account = make_account(customer_id=make_customer().pk, name="Augusta")
    run(RenameAccount(account_id=account.pk, name="Byron"))
    for event in account.events.all():
        assert "name" not in {*event.before, *event.after}


def test_the_database_keeps_customer_and_owner_together() -> None:
    customer = make_customer(user="ada")
    account = make_account(customer_id=customer.pk)
    eve = get_user_model().objects.create_user("eve")
    for wrong in ({"owner": eve}, {"owner": None}, {"customer": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Account.objects.filter(pk=account.pk).update(**wrong)
