"""The API of customers."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model

from accounts.commands import CloseAccount
from customers.models import Customer, CustomerEvent
from tests.api import API, client_of, make_user, staff
from tests.assertions import nothing_changes
from tests.factories import make_account, make_customer, run

pytestmark = pytest.mark.django_db

CUSTOMERS = f"{API}customers/"
DETAILS = {
    "name": "Ada Lovelace",
    "birth_date": "1985-12-10",
    "email": "ada@example.com",
    "phone": "+44 20 7946 0958",
    "address": "12 St James's Square",
    "note": "Prefers\nletters",
}


def path_of(customer: Customer, command: str = "") -> str:
    return f"{CUSTOMERS}{customer.pk}/{command and command + '/'}"


def numbers(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["number"] for row in response.json()["results"]]


def test_a_teller_registers_a_customer() -> None:
    teller = staff("teller")
    answer = teller.post(CUSTOMERS, DETAILS)
    assert answer.status_code == 201
    body = answer.json()
    assert body | DETAILS == body | {"phone": DETAILS["phone"]}
    assert (body["phone"], body["kind"], body["user"]) == ("+442079460958", "PERSON", None)
    assert teller.get(answer["Location"]).json() == body
    event = CustomerEvent.objects.get()
    assert (event.actor, event.changed) == (get_user_model().objects.get(), sorted(DETAILS))


def test_a_registration_is_safe_to_repeat() -> None:
    teller = staff("teller")
    key = {"Idempotency-Key": "a-1"}
    first = teller.post(CUSTOMERS, DETAILS, headers=key)
    with nothing_changes():
        again = teller.post(CUSTOMERS, DETAILS | {"kind": "PERSON"}, headers=key)
        other = teller.post(CUSTOMERS, DETAILS | {"name": "Ada King"}, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_only_a_supervisor_gives_a_user() -> None:
    ada = make_user("ada")
    with nothing_changes():
        refused = staff("teller").post(CUSTOMERS, DETAILS | {"user": "ada"})
    assert refused.status_code == 403
    account = make_account(owner_id=ada.pk)
    supervisor = staff("supervisor")
    body = supervisor.post(CUSTOMERS, DETAILS | {"user": "ada"}).json()
    assert body["user"] == "ada"
    account.refresh_from_db()
    assert str(account.customer_id) == body["customer_id"]
    with nothing_changes():
        unknown = supervisor.post(CUSTOMERS, DETAILS | {"user": "nobody"})
    assert unknown.json()["errors"][0] == {
        "pointer": "/user",
        "code": "unknown_user",
        "detail": "There is no such active user.",
    }


def test_a_customer_sees_only_their_own_record_and_no_note() -> None:
    own, other = make_customer(user="ada", note="Difficult"), make_customer(user="grace")
    ada = client_of(own.user)
    assert numbers(ada.get(CUSTOMERS)) == [own.number]
    assert numbers(ada.get(CUSTOMERS, {"search": other.number})) == []
    assert ada.get(path_of(own)).json()["note"] is None
    assert ada.get(path_of(other)).status_code == 404
    assert staff("auditor").get(path_of(own)).json()["note"] == "Difficult"


def test_customers_are_found_by_what_people_know_of_them() -> None:
    ada = make_customer(name="Ada Lovelace", email="ada@example.com", phone="+44 20 7946 0958")
    jose = make_customer(name="José Peña")
    shop = make_customer(name="Corner Shop", kind="ORGANISATION", registration_number="HRB 7")
    teller = staff("teller")
    for text, found in {
        "lovelace ada": [ada],
        "ADA@EXAMPLE": [ada],
        "020 7946-0958": [ada],
        "+44 20 7946": [ada],
        ada.number[:6]: [ada],
        "jose pena": [jose],
        "corner": [shop],
        "nobody": [],
        "1" * 10: [],
    }.items():
        assert numbers(teller.get(CUSTOMERS, {"search": text})) == [c.number for c in found], text
    assert numbers(teller.get(CUSTOMERS, {"kind": "ORGANISATION"})) == [shop.number]
    assert numbers(teller.get(CUSTOMERS, {"status": "CLOSED"})) == []
    assert numbers(teller.get(CUSTOMERS)) == [shop.number, jose.number, ada.number]
    page = teller.get(CUSTOMERS, {"page_size": 2}).json()
    assert [row["number"] for row in teller.get(page["next"]).json()["results"]] == [ada.number]


def test_a_change_under_a_condition() -> None:
    customer, teller = make_customer(), staff("teller")
    read = teller.get(path_of(customer))
    tag = {"If-Match": read["ETag"]}
    changed = teller.patch(path_of(customer), {"email": "ada@example.com"}, headers=tag)
    assert (changed.status_code, changed.json()["email"]) == (200, "ada@example.com")
    assert changed["ETag"] == teller.get(path_of(customer))["ETag"] != read["ETag"]
    with nothing_changes():
        late = teller.patch(path_of(customer), {"email": "eve@example.com"}, headers=tag)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    fresh = {"If-None-Match": changed["ETag"]}
    assert teller.get(path_of(customer), headers=fresh).status_code == 304
    cleared = teller.patch(path_of(customer), {"email": "", "birth_date": None})
    assert cleared.json()["email"] == ""


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"reason": "Nothing"}, ""),
        ({"name": " "}, "/name"),
        ({"email": "ada"}, "/email"),
        ({"phone": "phone"}, "/phone"),
        ({"birth_date": "10.12.1985"}, "/birth_date"),
        ({"birth_date": "2999-01-01"}, "/birth_date"),
        ({"registration_number": "7"}, "/registration_number"),
        ({"kind": "ORGANISATION"}, "/kind"),
        ({"user": "ada"}, "/user"),
        ({"number": "1"}, "/number"),
        ({"address": "a\nb"}, "/address"),
    ],
)
def test_a_bad_change_names_the_member(body: dict[str, Any], pointer: str) -> None:
    customer, teller = make_customer(), staff("teller")
    with nothing_changes():
        answer = teller.patch(path_of(customer), body)
    assert answer.status_code == 400, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_the_commands_of_a_supervisor() -> None:
    customer, supervisor = make_customer(), staff("supervisor")
    make_user("ada")
    reason = {"reason": "Asked for it"}
    account = supervisor.post(
        f"{API}accounts/", {"name": "Savings", "customer": str(customer.pk)}
    ).json()
    assert (account["customer"], account["owner"]) == (str(customer.pk), None)
    given = supervisor.post(path_of(customer, "user"), reason | {"user": "ada"})
    assert given.json()["user"] == "ada"
    assert supervisor.get(f"{API}accounts/{account['account_id']}/").json()["owner"] == "ada"
    refused = supervisor.post(path_of(customer, "close"), reason)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    run(CloseAccount(account_id=UUID(account["account_id"]), reason="Left"))
    assert supervisor.post(path_of(customer, "close"), reason).json()["status"] == "CLOSED"
    assert supervisor.post(path_of(customer, "reopen"), reason).json()["status"] == "ACTIVE"
    without = supervisor.post(path_of(customer, "close"), {})
    assert without.json()["errors"][0]["pointer"] == "/reason"


def test_the_accounts_of_a_customer_are_listed() -> None:
    customer, supervisor = make_customer(user="ada"), staff("supervisor")
    first, second, free = (
        make_account(customer_id=customer.pk),
        make_account(customer_id=customer.pk, currency="EUR"),
        make_account(),
    )
    mine = {"customer": str(customer.pk)}
    assert numbers(supervisor.get(f"{API}accounts/", mine)) == [second.number, first.number]
    assert numbers(supervisor.get(f"{API}accounts/", mine | {"currency": "EUR"})) == [second.number]
    given = supervisor.post(f"{API}accounts/{free.pk}/customer/", mine | {"reason": "Papers"})
    assert (given.json()["customer"], given.json()["owner"]) == (str(customer.pk), "ada")
    assert len(numbers(client_of(customer.user).get(f"{API}accounts/", mine))) == 3
    other = client_of(make_customer(user="grace").user)
    assert numbers(other.get(f"{API}accounts/", mine)) == []


def test_an_account_of_an_unknown_customer_is_refused() -> None:
    body = {"name": "Savings", "customer": "019ab0c4-5a10-7d02-8000-1c9e4b7f2a35"}
    with nothing_changes():
        answer = staff("teller").post(f"{API}accounts/", body)
    assert answer.json()["errors"][0]["pointer"] == "/customer"
