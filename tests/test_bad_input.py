"""Invalid amounts, bodies and texts on every route that takes money.

Each is refused with problem details that point at the field, and nothing is stored.
"""

import json
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.models import Account
from core.api.serializers import StrictSerializer
from tests.api import API, account_path, bad_fields, staff
from tests.assertions import nothing_changes
from tests.factories import make_account
from tests.test_error_contract import subclasses

pytestmark = pytest.mark.django_db

ROUTES = ("deposit", "withdraw", "transfer", "overdraft_limit", "open", "open with a limit")

# Sent byte for byte. First numbers that the parser refuses, so there is no field to point at,
NO_NUMBERS = [
    *("NaN", "Infinity", "-Infinity", "1e400", "1E+2", "1e2", "1.0e0"),
    *("01", "+1", ".5", "1.", "0x10", "1_000", "1,000.00", "$1"),
    *("1" + "0" * 999, "0." + "0" * 998 + "1"),
]
# and then valid JSON that is no amount.
NO_AMOUNTS = [
    *("-1", "-0", "-0.00", "1.001", "100000000001", "9" * 40),
    *('"NaN"', '"sNaN"', '"Infinity"', '"1e400"', '"1E+2"', '"1e2"', '"-1"', '"-0"', '"+1"'),
    *('" 1 "', '"1 "', '"1_000"', '"1,000.00"', '"0x10"', '"0b1"', '"$1"', '"1/2"', '"one"'),
    *('"1."', '".5"', '"00001.00"', '""', '"1\\n"', '"1\\u00a0000"', '"\\u0000"', '"true"'),
    *('"\u0661\u0662"', '"\uff11\uff12"', '"\u00b2"', '"1\u202e2"'),
    *("true", "false", "[]", "{}", "[1]", '{"amount": 1}'),
    # Digits of a text count as written: to some writers "1.000" is a thousand.
    *('"1.000"', '"100.000"', '"3.0000"', '"0.010"'),
    *('"1.001"', '"1.0001"', '"0.0000000001"', '"100000000000.01"'),
    *('"' + "9" * 40 + '"', '"' + "1" * 1000 + '"'),
]
# Zero moves nothing, but a limit or the balance of a new account may be zero.
ZEROS = ['"0"', "0", '"0.00"', "0.00"]


class Bank:
    """An account, another one, and a supervisor with all rights."""

    def __init__(self, currency: str = "USD") -> None:
        self.client = staff("supervisor")
        self.account = make_account(balance=100, currency=currency)
        self.target = make_account(balance=7, currency=currency)
        self.currency = currency

    def send(self, route: str, amount: str) -> tuple[str, Any]:
        """Sends a body with this amount; returns the field of the amount, and the response."""
        if route.startswith("open"):
            field = "overdraft_limit" if "limit" in route else "initial_balance"
            path, rest = f"{API}accounts/", {"name": "Ada", "currency": self.currency}
        elif route == "overdraft_limit":
            field, path, rest = route, account_path(self.account, route), {"reason": "Agreed"}
        else:
            field, path, rest = "amount", account_path(self.account, route), {}
        if route == "transfer":
            rest["target_account_id"] = str(self.target.id)
        members = json.dumps(rest)[1:-1]
        body = f'{{"{field}": {amount}{", " if members else ""}{members}}}'
        return field, self.client.post_raw(path, body.encode())


@pytest.fixture
def bank() -> Bank:
    return Bank()


def test_every_boolean_of_a_body_is_true_or_false() -> None:
    """The framework's own field takes "yes", "on" and 1 for true as well."""
    import_module(settings.ROOT_URLCONF)
    kinds = {kind for kind in subclasses(serializers.Serializer) if ".tests" not in kind.__module__}
    found = {
        (kind.__name__, name): field
        for kind in kinds
        if issubclass(kind, StrictSerializer) or kind.__name__.endswith("Body")
        for name, field in kind().fields.items()
        if isinstance(field, serializers.BooleanField) and not field.read_only
    }
    assert found.keys() >= {("CaptureBody", "final"), ("BatchBody", "atomic")}
    for name, field in found.items():
        assert [field.run_validation(value) for value in (True, False)] == [True, False], name
        for value in ("true", "yes", "on", "", "0", 1, 0, 1.0, [], {}):
            with pytest.raises(ValidationError):
                field.run_validation(value)


@pytest.mark.slow
@pytest.mark.parametrize("route", ROUTES)
def test_a_bad_amount_is_refused(bank: Bank, route: str) -> None:
    for amount in NO_NUMBERS + NO_AMOUNTS:
        with nothing_changes():
            field, response = bank.send(route, amount)
        ((pointer, code),) = bad_fields(response)
        if amount in NO_NUMBERS:
            assert (pointer, code) == ("", "invalid_json"), amount
        else:
            assert pointer == f"/{field}", amount


@pytest.mark.parametrize("route", ["deposit", "withdraw", "transfer"])
def test_zero_cannot_be_moved(bank: Bank, route: str) -> None:
    for amount in ZEROS:
        with nothing_changes():
            field, response = bank.send(route, amount)
        assert bad_fields(response) == [(f"/{field}", "invalid_amount")]


@pytest.mark.parametrize("route", ["overdraft_limit", "open", "open with a limit"])
def test_zero_can_be_a_limit_or_a_beginning(bank: Bank, route: str) -> None:
    for amount in ZEROS:
        _, response = bank.send(route, amount)
        assert response.status_code in (200, 201)
        assert response.json()["balance" if route == "open" else "overdraft_limit"] == "0.00"


@pytest.mark.parametrize(
    ("currency", "fits", "too_fine"), [("JPY", "7", "7.5"), ("KWD", "1.234", "1.2345")]
)
@pytest.mark.parametrize("route", ROUTES)
def test_digits_are_those_of_the_currency(
    route: str, currency: str, fits: str, too_fine: str
) -> None:
    bank = Bank(currency)
    for amount in (too_fine, f'"{too_fine}"'):
        with nothing_changes():
            field, response = bank.send(route, amount)
        assert bad_fields(response) == [(f"/{field}", "too_many_decimals")]
    for amount in (fits, f'"{fits}"'):
        assert bank.send(route, amount)[1].status_code in (200, 201)


@pytest.mark.parametrize(
    ("currency", "text"), [("USD", "3.000"), ("USD", "100.000"), ("JPY", "5.0"), ("KWD", "1.0000")]
)
@pytest.mark.parametrize("route", ROUTES)
def test_digits_of_a_text_count_as_written_and_a_number_by_its_value(
    route: str, currency: str, text: str
) -> None:
    bank = Bank(currency)
    with nothing_changes():
        field, response = bank.send(route, f'"{text}"')
    assert bad_fields(response) == [(f"/{field}", "too_many_decimals")]
    number = text.rstrip("0") + "0" * 8
    assert bank.send(route, number)[1].status_code in (200, 201)


EXACT = ["123456789.01", "0.01", "99999999999.99", "1.10", "1.0", "100000000000"]


@pytest.mark.parametrize("amount", EXACT)
def test_a_json_number_is_taken_exactly(bank: Bank, amount: str) -> None:
    """The way has no float: 99999999999.99 and its neighbours would be rounded by one."""
    for text in (amount, f'"{amount}"'):
        before = Account.objects.get(pk=bank.account.id).balance
        assert before is not None
        _, response = bank.send("deposit", text)
        after = Account.objects.get(pk=bank.account.id).balance
        assert after == before + Decimal(amount)
        assert response.json()["amount"] == f"{Decimal(amount):.2f}"
        _, response = bank.send("withdraw", text)
        assert response.json()["balance_after"] == f"{before:.2f}"
        _, response = bank.send("open", text)
        assert response.json()["balance"] == f"{Decimal(amount):.2f}"


# Bodies of the wrong shape, the field in the error, and the code.
SHAPES: list[tuple[str, str, str]] = [
    (" \n", "", "invalid_json"),
    ("null", "", "null"),
    ("[]", "", "not_an_object"),
    ("5", "", "not_an_object"),
    ('"5"', "", "not_an_object"),
    ("true", "", "not_an_object"),
    ('[{"amount": "5"}]', "", "not_an_object"),
    ('{"amount": "5"', "", "invalid_json"),
    ('{"amount": "5"} {}', "", "invalid_json"),
    ("{'amount': '5'}", "", "invalid_json"),
    ('{"amount": "5",}', "", "invalid_json"),
    ('{"amount": "5", "amount": "7"}', "", "invalid_json"),
    ('{"amount": "5", "a": {"b": 1, "b": 2}}', "", "invalid_json"),
    ('{"amount": "5", "balance": "7"}', "/balance", "unknown_field"),
    ('{"amount": "5", "status": "COMPLETED"}', "/status", "unknown_field"),
    ('{"amount": "5", "owner": "root"}', "/owner", "unknown_field"),
    ('{"amount": "5", "account_id": "x"}', "/account_id", "unknown_field"),
    ('{"amount": "5", "~/": 1}', "/~0~1", "unknown_field"),
    ('{"Amount": "5", "amount": "5"}', "/Amount", "unknown_field"),
    ('{"amount": "5", "description": 7}', "/description", "invalid"),
    ('{"amount": "5", "description": true}', "/description", "invalid"),
    ('{"amount": "5", "description": ["a"]}', "/description", "invalid"),
    ('{"amount": "5", "description": {}}', "/description", "invalid"),
    ('{"amount": "5", "description": "a\\u0000b"}', "/description", "invalid_character"),
    ('{"amount": "5", "description": "a\\u202eb"}', "/description", "invalid_character"),
    ('{"amount": "5", "description": "a\\u001bb"}', "/description", "invalid_character"),
    ('{"amount": "5", "description": "a\\ud800b"}', "", "invalid_json"),
    ('{"amount": "5", "description": "' + "d" * 501 + '"}', "/description", "max_length"),
    ("{}", "/amount", "required"),
]


@pytest.mark.parametrize("route", ["deposit", "withdraw", "transfer"])
@pytest.mark.parametrize(("body", "pointer", "code"), SHAPES)
def test_a_body_of_another_shape_is_refused(
    bank: Bank, route: str, body: str, pointer: str, code: str
) -> None:
    if route == "transfer" and body.startswith('{"'):
        body = body.replace("{", f'{{"target_account_id": "{bank.target.id}", ', 1)
    with nothing_changes():
        response = bank.client.post_raw(account_path(bank.account, route), body.encode())
    assert response.status_code == 400
    errors = bad_fields(response)
    if route == "transfer" and body == "{}":
        errors.remove(("/target_account_id", "required"))
    assert errors == [(pointer, code)]


def test_no_body_at_all_is_a_body_without_its_members(bank: Bank) -> None:
    for route, fields in (("deposit", ["/amount"]), ("freeze", ["/reason"])):
        with nothing_changes():
            response = bank.client.generic("POST", account_path(bank.account, route))
        assert bad_fields(response) == [(field, "required") for field in fields]


PLAIN_DATA = [
    "=cmd|' /C calc'!A0",
    "+1",
    "@SUM(A1:A9)",
    "'; DROP TABLE accounts_account; --",
    "<script>alert(1)</script>",
    "{{ 7*7 }} ${7*7} %s %(x)s",
    "\u0414\u043e\u043c \u5bb6 \U0001f3e0 \u05d1\u05d9\u05ea",
    " spaces kept ",
]


@pytest.mark.parametrize("text", PLAIN_DATA)
def test_any_other_text_is_plain_data(bank: Bank, text: str) -> None:
    body = {"amount": "5", "description": text}
    response = bank.client.post(account_path(bank.account, "deposit"), body)
    assert (response.status_code, response.json()["description"]) == (200, text)
    response = bank.client.post(f"{API}accounts/", {"name": text, "metadata": {"a": text}})
    assert (response.status_code, response.json()["name"]) == (201, text)
    assert response.json()["metadata"] == {"a": text}
    found = bank.client.get(f"{API}transactions/", {"search": text}).json()["results"]
    assert [row["description"] for row in found] == [text]


@pytest.mark.parametrize(
    "currency", ["XXX", "XAU", "XTS", "usd", "Usd", "US", "USDT", "", " USD", 840, ["USD"]]
)
def test_a_currency_is_one_that_accounts_can_have(bank: Bank, currency: Any) -> None:
    with nothing_changes():
        response = bank.client.post(f"{API}accounts/", {"name": "Ada", "currency": currency})
    assert [pointer for pointer, _ in bad_fields(response)] == ["/currency"]
