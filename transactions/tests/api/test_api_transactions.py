"""The filters of transactions/ and of an account's transactions/."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import time_machine

from accounts.commands import FreezeAccount
from accounts.models import Account
from tests.api import API, ApiClient, account_path, bad_fields, shown, staff
from tests.factories import make_account, run
from transactions.commands import Deposit, MoneyCommand, Transfer, Withdraw
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

PATH = f"{API}transactions/"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Day:
    """Six transactions of three accounts, a second apart, each named by its kind."""

    def __init__(self) -> None:
        with time_machine.travel(NOON - timedelta(hours=1), tick=False):
            self.one, self.other = make_account(), make_account()
            self.yen = make_account(currency="JPY")
            frozen = make_account()
            run(FreezeAccount(account_id=frozen.id))
        one, other = self.one.id, self.other.id
        commands: dict[str, MoneyCommand] = {
            "cash": Deposit(account_id=one, amount=Decimal(50), description="Cash 100% new"),
            "rent": Transfer(
                account_id=one, target_account_id=other, amount=Decimal("7.5"), description="Rent"
            ),
            "short": Withdraw(account_id=other, amount=Decimal(8), description="rent_back"),
            "frozen": Deposit(account_id=frozen.id, amount=Decimal("7.51")),
            "yen": Deposit(account_id=self.yen.id, amount=Decimal(700), description="Bar"),
            "out": Withdraw(account_id=one, amount=Decimal("2.25"), description="<b>' OR 1=1 --"),
        }
        self.rows: dict[str, Transaction] = {}
        for second, (name, command) in enumerate(commands.items()):
            with time_machine.travel(NOON + timedelta(seconds=second), tick=False):
                self.rows[name] = Transaction.objects.get(pk=run(command).id)

    def names(self, response: Any) -> list[str]:
        """The results by name, in order."""
        body = response.json()
        assert response.status_code == 200, body
        assert (body["next"], body["previous"]) == (None, None)
        known = {str(row.id): name for name, row in self.rows.items()}
        return [known[result["transaction_id"]] for result in body["results"]]


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def auditor() -> ApiClient:
    return staff("auditor")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "out yen frozen short rent cash"),
        ({"status": "COMPLETED"}, "out yen rent cash"),
        ({"status": "FAILED"}, "frozen short"),
        ({"status": "PENDING"}, ""),
        ({"type": "DEPOSIT"}, "yen frozen cash"),
        ({"type": "WITHDRAW"}, "out short"),
        ({"type": "TRANSFER"}, "rent"),
        ({"type": "REVERSAL"}, ""),
        ({"currency": "JPY"}, "yen"),
        ({"currency": "USD"}, "out frozen short rent cash"),
        ({"currency": "EUR"}, ""),
        ({"amount_min": "7.51"}, "yen frozen short cash"),
        ({"amount_max": "7.51"}, "out frozen rent"),
        ({"amount_min": "7.5", "amount_max": "8"}, "frozen short rent"),
        ({"amount_min": "0"}, "out yen frozen short rent cash"),
        ({"amount_max": "0"}, ""),
        ({"failure_code": "insufficient_funds"}, "short"),
        ({"failure_code": "account_frozen"}, "frozen"),
        ({"failure_code": "no such code"}, ""),
        ({"search": "RENT"}, "short rent"),
        ({"search": "0% N"}, "cash"),
        ({"search": "t_b"}, "short"),
        ({"search": "%"}, "cash"),
        ({"search": "' OR 1=1"}, "out"),
        ({"search": "<B>"}, "out"),
        ({"search": "nothing"}, ""),
        ({"created_after": shown(NOON + timedelta(seconds=4))}, "out yen"),
        ({"created_after": shown(NOON + timedelta(seconds=4) + MICROSECOND)}, "out"),
        ({"created_before": shown(NOON + timedelta(seconds=1))}, "cash"),
        ({"created_before": shown(NOON + timedelta(seconds=1) + MICROSECOND)}, "rent cash"),
        ({"created_before": "2026-03-01T13:00:00+01:00"}, ""),
        ({"created_after": "0001-01-01T00:00:00Z"}, "out yen frozen short rent cash"),
        ({"created_before": "9999-12-31T23:59:59.999999Z"}, "out yen frozen short rent cash"),
        ({"status": "FAILED", "type": "WITHDRAW", "currency": "USD", "search": "back"}, "short"),
        ({"page_size": "200"}, "out yen frozen short rent cash"),
    ],
)
def test_each_filter_narrows(
    auditor: ApiClient, day: Day, query: dict[str, str], expected: str
) -> None:
    assert day.names(auditor.get(f"{PATH}?{urlencode(query)}")) == expected.split()
    of_one = [name for name in expected.split() if name in ("cash", "rent", "out")]
    history = f"{account_path(day.one, 'transactions')}?{urlencode(query)}"
    assert day.names(auditor.get(history)) == of_one


def test_the_filter_by_account_takes_both_sides(auditor: ApiClient, day: Day) -> None:
    for account, expected in ((day.one, "out rent cash"), (day.other, "short rent")):
        response = auditor.get(f"{PATH}?account={account.id}")
        assert day.names(response) == expected.split()
        narrowed = auditor.get(f"{PATH}?account={str(account.id).upper()}&type=TRANSFER")
        assert day.names(narrowed) == ["rent"]
    assert day.names(auditor.get(f"{PATH}?account={uuid4()}")) == []
    cash = Account.objects.get(number="CASH-JPY")
    assert day.names(auditor.get(f"{PATH}?account={cash.id}")) == ["yen"]


def test_half_open_ranges_cut_a_history_into_pieces(auditor: ApiClient, day: Day) -> None:
    """Every microsecond belongs to exactly one of two neighbouring ranges."""
    for name, row in day.rows.items():
        after = f"created_after={shown(row.created_at)}"
        before = f"created_before={shown(row.created_at + MICROSECOND)}"
        assert day.names(auditor.get(f"{PATH}?{after}&{before}")) == [name]
        nothing = f"{after}&created_before={shown(row.created_at)}"
        assert day.names(auditor.get(f"{PATH}?{nothing}")) == []


BAD_VALUES = [
    ("status", "completed", "invalid_choice"),
    ("status", "FROZEN", "invalid_choice"),
    ("type", "", "invalid_choice"),
    ("currency", "usd", "unknown_currency"),
    ("currency", "XXX", "unknown_currency"),
    ("currency", "XAU", "unknown_currency"),
    ("amount_min", "-1", "invalid_amount"),
    ("amount_min", "1e2", "invalid_amount"),
    ("amount_min", "1.00001", "invalid_amount"),
    ("amount_min", "1" + "0" * 30, "invalid_amount"),
    ("amount_max", "NaN", "invalid_amount"),
    ("amount_max", "0.12345", "invalid_amount"),
    ("amount_max", "100000000000000.0001", "invalid_amount"),
    ("amount_max", " 1", "invalid_amount"),
    ("created_after", "2026-03-01", "invalid"),
    ("created_after", "2026-03-01T12:00:00", "invalid"),
    ("created_after", "2026-02-30T12:00:00Z", "out_of_range"),
    ("created_before", "9999-12-31T23:59:59-01:00", "out_of_range"),
    ("created_before", "2026-03-01T12:00:00.0000001Z", "invalid"),
    ("failure_code", "f" * 41, "max_length"),
    ("failure_code", "a\x00b", "invalid_character"),
    ("search", "", "blank"),
    ("search", "s" * 201, "max_length"),
    ("search", "a\x00b", "invalid_character"),
    ("search", "a\u202eb", "invalid_character"),
    ("page_size", "0", "invalid_page_size"),
    ("page_size", "201", "invalid_page_size"),
    ("page_size", "-1", "invalid_page_size"),
    ("page_size", "1.0", "invalid_page_size"),
    ("page_size", " 5", "invalid_page_size"),
    ("page_size", "\u0665", "invalid_page_size"),
    ("page_size", "", "blank"),
    ("cursor", "x", "invalid_cursor"),
    ("cursor", "\u00e9", "invalid_cursor"),
    ("cursor", "", "blank"),
    ("cursor", "A" * 513, "invalid_cursor"),
    ("ordering", "-amount", "unknown_field"),
    ("offset", "5", "unknown_field"),
    ("direction", "debit", "unknown_field"),
]


@pytest.mark.parametrize(("name", "value", "code"), BAD_VALUES)
def test_a_bad_value_is_named(auditor: ApiClient, name: str, value: str, code: str) -> None:
    for path in (PATH, account_path(make_account(), "transactions")):
        assert bad_fields(auditor.get(f"{path}?{urlencode({name: value})}")) == [(name, code)]


def test_the_account_must_be_an_id_and_only_the_whole_list_takes_one(auditor: ApiClient) -> None:
    account = make_account()
    for value in ("7", f"{{{account.id}}}", account.id.hex, ""):
        assert bad_fields(auditor.get(f"{PATH}?account={value}")) == [("account", "invalid")]
    response = auditor.get(f"{account_path(account, 'transactions')}?account={account.id}")
    assert bad_fields(response) == [("account", "unknown_field")]


def test_a_repeated_parameter_is_named(auditor: ApiClient) -> None:
    entries = account_path(make_account(), "entries")
    balance = account_path(make_account(), "balance")
    for path, name in (
        (PATH, "status"),
        (PATH, "page_size"),
        (PATH, "cursor"),
        (PATH, "unheard"),
        (entries, "page_size"),
        (balance, "at"),
    ):
        assert bad_fields(auditor.get(f"{path}?{name}=1&{name}=1")) == [(name, "repeated")]


def test_all_bad_values_are_told_at_once(auditor: ApiClient) -> None:
    response = auditor.get(f"{PATH}?status=no&amount_min=x&nonsense=1")
    assert set(bad_fields(response)) == {
        ("status", "invalid_choice"),
        ("amount_min", "invalid_amount"),
        ("nonsense", "unknown_field"),
    }


def test_entries_and_balances_take_no_filters(auditor: ApiClient) -> None:
    account = make_account()
    for action, name in (("entries", "status"), ("entries", "search"), ("balance", "page_size")):
        response = auditor.get(f"{account_path(account, action)}?{name}=1")
        assert bad_fields(response) == [(name, "unknown_field")]
    response = auditor.get(f"{account_path(account, 'balance')}?at=2026-03-01T12:00:00")
    assert bad_fields(response) == [("at", "invalid")]
