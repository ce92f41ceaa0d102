"""Ids and texts are parsed in one way: in paths, bodies, filters, batches and forms."""

from typing import Any
from uuid import UUID

import pytest
from django.urls import URLResolver, get_resolver
from django.urls.converters import PathConverter

from accounts.admin.filters import as_uuid
from core.console.forms import LineField
from core.identifiers import parse_uuid
from tests.api import API, ApiClient, account_path, bad_fields, staff
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account

pytestmark = pytest.mark.django_db

ID = "019ab0c4-9f10-7b33-8abc-8a1d55e20c64"
# Python or PostgreSQL would accept these as ids, but RFC 9562 does not.
NO_IDS = [ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", f" {ID}", f"{ID}\n", ID[:-1] + "g"]
# Texts that are invisible as a whole or in part.
NO_NAMES = [
    "\u200b",
    "\u3164",
    "\u0301",
    "\u2800",
    "x\u200by",
    "x\u200dy",
    "\u00adAda",
    "Ada\u200e",
]
NAMES = [
    "محمد می\u200cخواهم",
    "ক্\u200dষ",
    "Ada 👩🏽\u200d🚀",
    "José",
    "Jose\u0301",
    "渡邉\U000e0100",
]


@pytest.fixture
def client() -> ApiClient:
    return staff("supervisor")


@pytest.mark.parametrize("text", NO_IDS)
def test_an_id_has_one_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Must be a valid UUID\.$"):
        parse_uuid(text)


def test_an_id_is_read_in_either_case_and_written_in_one(client: ApiClient) -> None:
    account, target = make_account(balance=50), make_account()
    row = deposit(account, 7)
    capital, capital_target = str(account.id).upper(), str(target.id).upper()
    assert capital != str(account.id) or not set(str(account.id)) & set("abcdef")
    body: dict[str, Any] = {"amount": "1", "target_account_id": capital_target}
    moved = client.post(account_path(capital, "transfer"), body).json()
    assert (moved["account_id"], moved["target_account_id"]) == (str(account.id), str(target.id))
    item = {"type": "DEPOSIT", "account_id": capital, "amount": "1"}
    batch = client.post(f"{API}transactions/batch/", {"transactions": [item]}).json()
    assert batch["results"][0]["status"] == "COMPLETED"
    found = client.get(f"{API}transactions/", {"account": capital}).json()["results"]
    assert {one["account_id"] for one in found} == {str(account.id)}
    assert len(found) == 4
    for action in ("", "balance", "entries", "transactions"):
        assert client.get(account_path(capital, action)).status_code == 200
    read = client.get(f"{API}transactions/{str(row.id).upper()}/").json()
    assert read["transaction_id"] == str(row.id)
    assert as_uuid(f" {capital} ") == account.id


def test_every_id_in_a_path_is_read_in_this_way() -> None:
    """No route falls back to a converter that accepts only one case."""

    def converters(resolver: URLResolver) -> list[tuple[str, Any]]:
        found = []
        for entry in resolver.url_patterns:
            found += list(getattr(entry.pattern, "converters", {}).items())
            found += converters(entry) if isinstance(entry, URLResolver) else []
        return found

    ids = [(name, one) for name, one in converters(get_resolver()) if name.endswith("_id")]
    # The admin's own pages accept any text, and parse it themselves.
    ids = [(name, one) for name, one in ids if not isinstance(one, PathConverter)]
    assert len(ids) > 10
    assert {type(one).__name__ for _, one in ids} == {"IdConverter"}
    assert all(one.to_python(ID.upper()) == UUID(ID) for _, one in ids)


@pytest.mark.parametrize("text", NO_NAMES, ids=ascii)
def test_a_text_that_nobody_can_see_is_refused_everywhere(client: ApiClient, text: str) -> None:
    account = make_account(balance=5)
    path = account_path(account)
    with nothing_changes():
        answers = [
            (client.post(f"{API}accounts/", {"name": text}), "/name"),
            (
                client.post(f"{API}accounts/", {"name": "Ada", "metadata": {"a": text}}),
                "/metadata/a",
            ),
            (client.patch(path, {"name": text}), "/name"),
            (client.post(f"{path}deposit/", {"amount": "1", "description": text}), "/description"),
            (client.post(f"{path}freeze/", {"reason": text}), "/reason"),
        ]
        item = {
            "type": "DEPOSIT",
            "account_id": str(account.id),
            "amount": "1",
            "description": text,
        }
        batch = client.post(f"{API}transactions/batch/", {"transactions": [item]})
        answers.append((batch, "/transactions/0/description"))
    for response, pointer in answers:
        assert bad_fields(response) == [(pointer, "invalid_character")], pointer
    with pytest.raises(Exception, match="character"):
        LineField().clean(text)


@pytest.mark.parametrize("text", NAMES, ids=ascii)
def test_a_name_of_any_script_is_kept_as_it_was_sent(client: ApiClient, text: str) -> None:
    assert client.post(f"{API}accounts/", {"name": text}).json()["name"] == text
    assert LineField().clean(text) == text
