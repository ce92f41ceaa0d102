"""No query of a customer reveals withheld data; the columns define which data that is."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models import Q, QuerySet
from rest_framework.test import APIClient

from accounts.models import Account, AccountEvent
from accounts.serializers import AccountSerializer
from core.database import create_objects, drop_objects
from tests.api import API, account_path, make_user
from transactions.api.serializers import TransactionSerializer
from transactions.models import Transaction, TransactionEvent
from transactions.states import TransactionStatus, TransactionType
from transactions.tests.damaged_ledger import Bank, make_bank, unguarded

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

# Searches that tell the texts "alpha" and "omega" apart: the whole, a part, in another case.
_GUESSES = ("alpha", "LPH", "omega")
_MOMENTS = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
_TRANSACTION_QUERIES = [
    *(f"search={guess}" for guess in _GUESSES),
    *(f"failure_code={guess}" for guess in _GUESSES),
    *(f"idempotency_key={guess}" for guess in _GUESSES),
    *(f"status={status}" for status in TransactionStatus.values),
    *(f"type={kind}" for kind in TransactionType.values),
    *(f"type=REVERSAL&search={guess}" for guess in _GUESSES),
    "currency=USD",
    "currency=EUR",
    "amount_min=2",
    "amount_max=1",
    "created_after=2020-06-01T00:00:00Z",
    "created_before=2020-06-01T00:00:00Z",
]
_ACCOUNT_QUERIES = [
    *(f"search={guess}" for guess in (*_GUESSES, "1", "2")),
    *(f"status={status}" for status in ("ACTIVE", "FROZEN", "CLOSED")),
    "currency=USD",
    "currency=EUR",
    "created_after=2020-06-01T00:00:00Z",
]


class Customer:
    """The owner of the bank's account `ada`, and all requests they can send."""

    def __init__(self, bank: Bank) -> None:
        user = make_user("ada")
        # An account keeps its owner: only a change past the guards can do this.
        drop_objects(connection, kinds=("trigger",))
        Account.objects.filter(pk=bank.ada).update(owner=user)
        create_objects(connection)
        self.bank, self._client = bank, APIClient()
        self._client.force_authenticate(user)
        self.plain = [
            f"{API}accounts/",
            *(account_path(each) for each in (bank.ada, bank.bob, bank.eve)),
            account_path(bank.ada, "balance"),
            account_path(bank.ada, "entries"),
            *self._lists(),
            *(
                f"{API}transactions/{each}/"
                for each in (bank.transfer, bank.reversal, bank.refused)
            ),
        ]
        self.narrowed = [
            *(f"{each}?{query}" for each in self._lists() for query in _TRANSACTION_QUERIES),
            *(f"{each}?format=csv&{query}" for each in self._lists() for query in ("", "search=a")),
            *(f"{API}transactions/?account={each}" for each in (bank.ada, bank.bob, bank.cash)),
            *(f"{API}accounts/?{query}" for query in _ACCOUNT_QUERIES),
        ]

    def _lists(self) -> tuple[str, str]:
        return f"{API}transactions/", account_path(self.bank.ada, "transactions")

    def answers(self) -> dict[str, Any]:
        return {path: self._answer(path) for path in (*self.plain, *self.narrowed)}

    def _answer(self, path: str) -> Any:
        response = self._client.get(path)
        body = response.getvalue() if response.streaming else response.content
        if response.status_code == 200 and path.endswith("/balance/"):
            return response.json()["balance"]  # The moment differs.
        if response.status_code >= 400:
            return response.status_code, response.json()["detail"]
        return body


def two_values(field: Any, users: list[User]) -> list[Any] | None:
    if isinstance(field, models.ForeignKey):
        return [user.pk for user in users] if field.related_model is User else None
    if field.name == "currency":
        return ["USD", "EUR"]
    if field.choices:
        return [field.choices[i][0] for i in (0, -1)]
    for kind, values in (
        (models.BooleanField, [False, True]),
        (models.DateTimeField, list(_MOMENTS)),
        (models.GenericIPAddressField, ["192.0.2.1", "192.0.2.2"]),
        (models.UUIDField, [UUID(int=1), UUID(int=2)]),
        (models.JSONField, [{"alpha": "alpha"}, {"omega": "omega"}]),
        ((models.CharField, models.TextField), ["alpha", "omega"]),
        ((models.IntegerField, models.DecimalField), [1, 2]),
    ):
        if isinstance(field, kind):
            return values
    return [1, 2]  # An amount.


def groups(bank: Bank) -> dict[str, tuple[QuerySet[Any], set[str]]]:
    """Rows with the same visibility, and their columns that the customer sees."""
    journal = Transaction.objects
    reversals = journal.filter(type=TransactionType.REVERSAL)
    movements = journal.exclude(type=TransactionType.REVERSAL)
    seen = {*TransactionSerializer.Meta.fields, "failure_code", "failure_detail"}
    seen |= {"debit_account", "credit_account"}
    paid, received = ({f"{side}_balance_after", f"{side}_sequence"} for side in ("debit", "credit"))
    return {
        "reversal": (reversals, seen - {"description"} | paid | received),
        "payment": (movements.filter(debit_account=bank.ada), seen | paid),
        "receipt": (movements.filter(credit_account=bank.ada), seen | received),
        "foreign transaction": (
            movements.exclude(Q(debit_account=bank.ada) | Q(credit_account=bank.ada)),
            {"debit_account", "credit_account"},
        ),
        "event": (TransactionEvent.objects.all(), {"transaction"}),
        "own account": (
            Account.objects.filter(pk=bank.ada),
            {*AccountSerializer.Meta.fields, "kind", "last_sequence"},
        ),
        "foreign account": (Account.objects.exclude(pk=bank.ada), {"owner", "kind", "currency"}),
        "event of an account": (AccountEvent.objects.all(), {"account"}),
    }


def withheld_columns(bank: Bank, users: list[User]) -> list[tuple[str, list[Any], str, list[Any]]]:
    """The group, the keys of its rows, the column, and two values of it."""
    found = []
    for name, (rows, seen) in groups(bank).items():
        keys = list(rows.values_list("pk", flat=True))
        assert keys, name
        for field in rows.model._meta.concrete_fields:
            values = two_values(field, users)
            if values and not field.primary_key and field.name not in seen:
                found.append((name, keys, field.attname, values))
    return found


def test_no_query_reveals_the_value_of_a_withheld_column(settings: Any) -> None:
    """Every withheld column gets one value, then another: no response may change."""
    settings.THROTTLE_ADDRESS_PER_MINUTE = settings.THROTTLE_CLIENT_PER_MINUTE = 0
    bank = make_bank()
    customer = Customer(bank)
    users = [make_user("alpha"), make_user("omega")]
    columns = withheld_columns(bank, users)
    answers: list[dict[str, Any]] = []
    with unguarded():
        models_ = {name: rows.model for name, (rows, _) in groups(bank).items()}
        for which in (0, 1):
            for name, keys, column, values in columns:
                rows = models_[name]._default_manager
                is_unique = models_[name]._meta.get_field(column).unique
                for number, key in enumerate(keys):
                    value = f"{values[which]}{number}" if is_unique else values[which]
                    rows.filter(pk=key).update(**{column: value})
            answers.append(customer.answers())
    assert [path for path in answers[0] if answers[0][path] != answers[1][path]] == []
    assert len(columns) > 60, len(columns)
    assert {"description", "reason", "name"} <= {column for _, _, column, _ in columns}
