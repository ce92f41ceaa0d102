"""Proofs by the API: who may see what, and that the offline checker accepts them."""

import json
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account
from seals import trees
from seals.heads import head_of, heads_path
from seals.models import Seal
from seals.tests.checker import check
from seals.tests.sealing_bank import SealedBank, made, make_sealed_bank
from tests.api import API, anonymous, client_of, make_user, staff
from tests.factories import deposit, make_account
from transactions.tests.archiving import take

pytestmark = pytest.mark.django_db(transaction=True)


def path_of(transaction_id: Any) -> str:
    return f"{API}transactions/{transaction_id}/proof/"


def proof_of(client: Any, transaction_id: Any) -> dict[str, Any]:
    response = client.get(path_of(transaction_id))
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def accepted(proof: dict[str, Any]) -> str:
    return check(json.dumps(proof), heads_path().read_text())


@pytest.fixture
def owned(keyed: Path) -> SealedBank:
    """The bank of Ada and Bob, who are customers with a login."""
    return make_sealed_bank(ada=make_user("ada").pk, bob=make_user("bob").pk)


def test_every_entry_has_a_proof_that_holds(
    owned: SealedBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "LONGEST_RANGE", 3)
    made()
    auditor = staff("auditor")
    sides = {"transfer": 2, "reversal": 2}
    for name, transaction_id in owned.ids.items():
        proof = proof_of(auditor, transaction_id)
        assert len(proof["entries"]) == sides.get(name, 1)
        assert accepted(proof).startswith(f"The proof holds: transaction {transaction_id}")
    words = proof_of(auditor, owned.ids["deposit"])["entries"][0]["description"]
    assert words == "Löhne\n€ 100 😀"


def test_later_seals_and_the_archive_leave_proofs_as_they_are(owned: SealedBank) -> None:
    made()
    auditor = staff("auditor")
    before = [proof_of(auditor, pk) for pk in owned.ids.values()]
    deposit(owned.ada, 5)
    made()
    take()
    after = [proof_of(auditor, pk) for pk in owned.ids.values()]
    assert after == before
    for proof in after:
        accepted(proof)


def test_a_seal_of_many_ranges(keyed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paths through the blocks of a seal, one block and several."""
    from seals import merkle, selectors

    for module in (merkle, selectors):
        monkeypatch.setattr(module, "BLOCK", 4)
    accounts = [make_account(balance=1) for _ in range(11)]
    made()
    assert len(Seal.objects.get().blocks) == 3
    auditor = staff("auditor")
    rows = auditor.get(f"{API}transactions/").json()["results"]
    assert len(rows) == len(accounts)
    for row in rows:
        accepted(proof_of(auditor, row["transaction_id"]))


def test_customers_get_their_own_side_only(owned: SealedBank) -> None:
    made()
    ada, bob = (client_of(one.owner) for one in (owned.ada, owned.bob))
    transfer = owned.ids["transfer"]
    for client, account in ((ada, owned.ada), (bob, owned.bob)):
        proof = proof_of(client, transfer)
        (entry,) = proof["entries"]
        assert entry["entry"]["account_id"] == str(account.id)
        accepted(proof)
    assert bob.get(path_of(owned.ids["deposit"])).status_code == 404


def test_a_proof_shows_nothing_of_others(owned: SealedBank) -> None:
    """Neither balances of the other side nor secrets, from which the hashes could be guessed."""
    seal = made()
    text = json.dumps(proof_of(client_of(owned.ada.owner), owned.ids["transfer"]))
    secrets = list(seal.leaves.values_list("secret", flat=True))
    assert not [one for one in secrets if one in text]
    assert "37.75" not in text
    assert str(owned.bob.id) not in text


def test_the_other_side_is_for_staff(owned: SealedBank) -> None:
    """No proof of a customer has the id of an account of the bank itself."""
    made()
    internal = {
        str(one) for one in Account.objects.exclude(kind="CUSTOMER").values_list("id", flat=True)
    }
    assert internal
    for name in ("deposit", "withdrawal", "transfer", "reversal"):
        text = json.dumps(proof_of(client_of(owned.ada.owner), owned.ids[name]))
        assert not [one for one in internal if one in text]
    (shown,) = proof_of(staff("auditor"), owned.ids["deposit"])["entries"]
    assert shown["other_account_id"] in internal


def test_the_reason_of_a_reversal_is_for_staff(owned: SealedBank) -> None:
    made()
    (entry,) = proof_of(client_of(owned.ada.owner), owned.ids["reversal"])["entries"]
    assert (entry["description"], entry["description_salt"]) == (None, None)
    accepted(proof_of(client_of(owned.ada.owner), owned.ids["reversal"]))
    shown = proof_of(staff("auditor"), owned.ids["reversal"])["entries"]
    assert {one["description"] for one in shown} == {"Told to nobody"}


def test_what_is_not_sealed_has_no_proof(owned: SealedBank) -> None:
    auditor = staff("auditor")
    response = auditor.get(path_of(owned.ids["deposit"]))
    assert (response.status_code, response.json()["code"]) == (409, "not_sealed")
    made()
    later = deposit(owned.ada, 1)
    assert auditor.get(path_of(later.id)).status_code == 409


def test_a_transaction_that_is_not_completed_has_no_proof(owned: SealedBank) -> None:
    teller = staff("teller")
    made()
    body = {"amount": "99999.00"}
    refused = teller.post(f"{API}accounts/{owned.ada.id}/withdraw/", body, format="json").json()
    response = teller.get(path_of(refused["transaction_id"]))
    assert response.status_code == 409
    assert "not completed" in response.json()["detail"]


def test_heads_are_for_anyone(keyed: Path) -> None:
    assert anonymous().get(f"{API}seals/latest/").status_code == 404
    account = make_account(balance=1)
    first = made()
    deposit(account, 1)
    second = made()
    assert anonymous().get(f"{API}seals/latest/").json() == head_of(second)
    assert anonymous().get(f"{API}seals/1/").json() == head_of(first)
    lines = [json.loads(line) for line in heads_path().read_text().splitlines()]
    assert lines == [head_of(first), head_of(second)]


@pytest.mark.parametrize("number", ["0", "3", "9" * 30, "-1", "x", "1.0", "%31", ""])
def test_other_numbers_are_not_found(keyed: Path, number: str) -> None:
    make_account(balance=1)
    made()
    found = anonymous().get(f"{API}seals/{number}/").status_code
    assert found == (200 if number == "%31" else 404)
