"""Notes: written about any account, customer or transaction, and never again changed."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from accounts.commands import CloseAccount, CloseCustomer, FreezeAccount
from core import clock
from core.commands import Origin
from core.errors import IdempotencyKeyReused, InvalidTransition, NotFound
from core.identifiers import moment_of
from customers.models import Customer
from tests.api import make_user
from tests.assertions import nothing_changes, refused_by_database
from tests.factories import ORIGIN, deposit, make_account, make_customer, make_note, run
from transactions.archive.runs import archive
from transactions.commands import AddNote, ForgetCustomer, Transfer, Withdraw
from transactions.models import Note, Transaction
from transactions.tests.archiving import EVERYTHING
from transactions.tests.past_the_ledger import update
from transactions.verifier import examine

pytestmark = pytest.mark.django_db


def of_closed_account() -> dict[str, Any]:
    account = make_account()
    run(CloseAccount(account_id=account.pk, reason="Moved"))
    return {"account_id": account.pk}


def of_frozen_account() -> dict[str, Any]:
    account = make_account()
    run(FreezeAccount(account_id=account.pk, reason="Lost card"))
    return {"account_id": account.pk}


def of_cash() -> dict[str, Any]:
    return {
        "account_id": Transaction.objects.get(pk=deposit(make_account(), 5).id).debit_account_id
    }


def of_closed_customer() -> dict[str, Any]:
    customer = make_customer()
    run(CloseCustomer(customer_id=customer.pk))
    return {"customer_id": customer.pk}


def of_failed() -> dict[str, Any]:
    return {"transaction_id": run(Withdraw(account_id=make_account().pk, amount=Decimal(5))).id}


THINGS: dict[str, Callable[[], dict[str, Any]]] = {
    "account": lambda: {"account_id": make_account().pk},
    "closed account": of_closed_account,
    "frozen account": of_frozen_account,
    "cash account": of_cash,
    "customer": lambda: {"customer_id": make_customer().pk},
    "closed customer": of_closed_customer,
    "transaction": lambda: {"transaction_id": deposit(make_account(), 5).id},
    "failed transaction": of_failed,
}


@pytest.mark.parametrize("thing", THINGS)
def test_a_note_has_who_when_and_from_where(thing: str) -> None:
    about = THINGS[thing]()
    tessa = make_user("tessa", role="teller")
    origin = replace(ORIGIN, user_id=tessa.pk, caller=f"user:{tessa.pk}")
    before = clock.now()
    written = make_note("Rang.\nWants a letter.", origin, **about)
    note = Note.objects.get()
    assert note == written
    subjects = ("account_id", "customer_id", "transaction_id")
    assert {name: getattr(note, name) for name in subjects} == dict.fromkeys(subjects) | about
    assert (note.text, note.actor, note.caller) == ("Rang.\nWants a letter.", tessa, origin.caller)
    assert (note.request_id, note.address) == ("r-1", "192.0.2.7")
    assert before <= note.at == moment_of(note.pk) <= clock.now()
    assert note.subject.pk == next(iter(about.values()))
    assert examine(connection).ok


@pytest.mark.parametrize("name", ["account", "customer", "transaction"])
def test_what_is_not_there_has_no_notes(name: str) -> None:
    with nothing_changes(), pytest.raises(NotFound, match=f"There is no {name}"):
        make_note(**{f"{name}_id": uuid4()})


def test_an_archived_transaction_keeps_its_notes_and_takes_more(archive_file: Any) -> None:
    row = deposit(make_account(), 5)
    make_note("Before", transaction_id=row.id)
    archive(EVERYTHING, origin=ORIGIN)
    assert Transaction.objects.get().archived_at is not None
    make_note("After", transaction_id=row.id)
    texts = Note.objects.filter(transaction=row.id).order_by("id").values_list("text", flat=True)
    assert list(texts) == ["Before", "After"]


def test_one_key_is_one_note() -> None:
    customer, account = make_customer(), make_account()
    keyed = {"idempotency_key": "k", "request_fingerprint": "a" * 64}
    first = make_note(customer_id=customer.pk, **keyed)
    again: Any = run(AddNote(text="Rang on Monday", customer_id=customer.pk, **keyed))
    assert (again.replayed, again.as_note()) == (True, first)
    keyed["request_fingerprint"] = "b" * 64
    with nothing_changes(), pytest.raises(IdempotencyKeyReused):
        make_note("Other", customer_id=customer.pk, **keyed)
    # A caller's keys are no other caller's, and those of notes are no movement's.
    make_note(account_id=account.pk, origin=Origin(caller="job:other"), **keyed)
    run(Withdraw(account_id=account.pk, amount=Decimal(1), **keyed))
    assert Note.objects.count() == 2


def forgotten_customer(*, account: Any, other: Any) -> Customer:
    """Ada, forgotten, whose account once paid the other one. Every thing has a note."""
    customer = Customer.objects.get(pk=account.customer_id)
    paid = run(Transfer(account_id=account.pk, target_account_id=other.pk, amount=Decimal(5)))
    for text, about in (
        ("Ada rang", {"customer_id": customer.pk}),
        ("Ada's card", {"account_id": account.pk}),
        ("Ada's rent", {"transaction_id": paid.id}),
        ("Bob's", {"account_id": other.pk}),
        ("Bob's salary", {"transaction_id": deposit(other, 9).id}),
    ):
        make_note(text, **about, idempotency_key=text, request_fingerprint="a" * 64)
    run(CloseAccount(account_id=account.pk, reason="Left"))
    run(CloseCustomer(customer_id=customer.pk, reason="Left"))
    run(ForgetCustomer(customer_id=customer.pk, reason="Asked for it"))
    return customer


def test_forgetting_a_customer_erases_what_was_noted_about_them() -> None:
    account = make_account(customer_id=make_customer().pk, balance=5)
    other = make_account(customer_id=make_customer(name="Bob").pk)
    customer = forgotten_customer(account=account, other=other)
    kept = dict(Note.objects.order_by("id").values_list("idempotency_key", "text"))
    assert kept == {
        "Ada rang": "", "Ada's card": "", "Ada's rent": "",
        "Bob's": "Bob's", "Bob's salary": "Bob's salary",
    }  # fmt: skip
    assert set(Note.objects.filter(text="").values_list("request_fingerprint", flat=True)) == {""}
    assert not Note.objects.filter(request_id="").exists()
    assert examine(connection).ok
    paid = Transaction.objects.get(type="TRANSFER")
    for about in (
        {"customer_id": customer.pk},
        {"account_id": account.pk},
        {"transaction_id": paid.pk},
    ):
        with nothing_changes(), pytest.raises(InvalidTransition, match="is forgotten"):
            make_note("Ada again", **about)
    make_note("Bob again", account_id=other.pk)


# The database alone -------------------------------------------------------------------------------


def test_no_way_of_the_orm_changes_or_deletes_a_note() -> None:
    note = make_note(account_id=make_account().pk)
    changed = Note.objects.get()
    changed.text = "Other"
    with refused_by_database("notes never change"):
        changed.save()
    with refused_by_database("notes never change"):
        Note.objects.update(actor=make_user("eve"))
    with refused_by_database("notes never change"):
        Note.objects.bulk_update([changed], ["text"])
    with refused_by_database("notes are never deleted"):
        Note.objects.all().delete()
    with refused_by_database("notes are never deleted"):
        note.delete()


@pytest.mark.parametrize(
    "assignments",
    ["text = ''", "text = '', request_fingerprint = ''", "request_fingerprint = ''", "text = ' '"],
)
@pytest.mark.parametrize("thing", THINGS)
def test_no_text_goes_before_its_customer_is_forgotten(thing: str, assignments: str) -> None:
    note = make_note(**THINGS[thing]())
    with nothing_changes(), pytest.raises(IntegrityError, match="note"):
        update(note, assignments)


def test_an_erased_note_never_changes_again() -> None:
    account = make_account(customer_id=make_customer().pk, balance=5)
    customer = forgotten_customer(account=account, other=make_account())
    note = Note.objects.get(customer=customer.pk)
    for assignments in ("text = 'Ada rang'", "caller = ''", "request_fingerprint = 'a'"):
        with nothing_changes(), pytest.raises(IntegrityError, match="notes never change"):
            update(note, assignments)


@pytest.mark.parametrize("text", ["", "Ada again"])
def test_the_database_knows_whether_a_new_note_may_have_a_text(text: str) -> None:
    account = make_account(customer_id=make_customer().pk, balance=5)
    customer = forgotten_customer(account=account, other=make_account())
    free = make_customer()
    subject = free.pk if text == "" else customer.pk
    row = Note(id=uuid4(), customer_id=subject, text=text, at=clock.now())
    with refused_by_database("a note has a text"):
        row.save(force_insert=True)


def test_a_note_is_about_one_thing() -> None:
    account, customer = make_account(), make_customer()
    for about in ({}, {"account_id": account.pk, "customer_id": customer.pk}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Note(id=uuid4(), text="x", at=clock.now(), **about).save(force_insert=True)
    assert not Note.objects.exists()


def test_nothing_with_a_note_is_deleted() -> None:
    account = make_account()
    make_note(account_id=account.pk)
    with pytest.raises(ProtectedError):
        account.delete()
