"""No query of a customer reveals withheld data; the columns define which data that is."""

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
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
from customers.models import Customer, CustomerEvent
from customers.serializers import CustomerSerializer
from customers.states import CustomerKind, CustomerStatus
from seals import keys, sealing
from seals.canonical import DIGEST_FIELDS
from tests.api import API, account_path, make_user
from tests.factories import make_customer
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
_CUSTOMER_QUERIES = [
    *(f"search={guess}" for guess in (*_GUESSES, "alpha@", "a", "1", "2")),
    *(f"status={status}" for status in CustomerStatus.values),
    *(f"kind={kind}" for kind in CustomerKind.values),
    *(f"kind=PERSON&status=ACTIVE&search={guess}" for guess in _GUESSES),
    "created_after=2020-06-01T00:00:00Z",
    "created_before=2020-06-01T00:00:00Z",
    "page_size=1",
    # No such parameters: the refusal is the same whatever is stored.
    *(f"{name}={column}" for name in ("order", "ordering") for column in ("note", "-note")),
    *(f"note={guess}" for guess in _GUESSES),
]


class Reader:
    """A customer, the owner of the bank's account `ada`, and all requests they can send."""

    def __init__(self, bank: Bank) -> None:
        self.own = make_customer(user="ada")
        self.foreign, self.third = (make_customer(name=name) for name in ("Grace", "Alan"))
        user = User.objects.get(username="ada")
        # An account keeps its owner: only a change past the guards can do this.
        drop_objects(connection, kinds=("trigger",))
        Account.objects.filter(pk=bank.ada).update(owner=user, customer=self.own)
        Account.objects.filter(pk=bank.bob).update(customer=self.foreign)
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
            f"{API}customers/",
            *(f"{API}customers/{each.pk}/" for each in (self.own, self.foreign)),
            *(f"{API}transactions/{each}/proof/" for each in (bank.transfer, bank.reversal)),
            *(f"{API}transactions/{each}/receipt/" for each in (bank.transfer, bank.reversal)),
            *(
                f"{account_path(each, 'statement')}?from=2020-01-01"
                for each in (bank.ada, bank.bob)
            ),
            f"{API}seals/latest/",
        ]
        self.narrowed = [
            *(f"{each}?{query}" for each in self._lists() for query in _TRANSACTION_QUERIES),
            *(f"{each}?format=csv&{query}" for each in self._lists() for query in ("", "search=a")),
            *(f"{API}transactions/?account={each}" for each in (bank.ada, bank.bob, bank.cash)),
            *(f"{API}accounts/?{query}" for query in _ACCOUNT_QUERIES),
            *(
                f"{API}accounts/?customer={each.pk}&{query}"
                for each in (self.own, self.foreign, self.third)
                for query in ("", "search=alpha", "status=ACTIVE", "currency=USD")
            ),
            *(f"{API}customers/?{query}" for query in _CUSTOMER_QUERIES),
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
        if "/proof/" in path:
            return _without_hashes(response.json())
        if "/statement/" in path or "/receipt/" in path:
            return _without_numbers(json.loads(body))
        return body


def _without_hashes(proof: dict[str, Any]) -> dict[str, Any]:
    """Each hash has a salt that nobody outside knows, so it may follow from what is withheld."""
    for entry in proof["entries"]:
        assert entry.pop("entry_path")
        for name in DIGEST_FIELDS.values():
            assert entry["entry"].pop(name)
    return proof


def _without_numbers(document: dict[str, Any]) -> dict[str, Any]:
    """A statement and a receipt name another account by its number, and by nothing else."""
    if "lines" in document:
        del document["issued_at"], document["to"]  # The moment differs.
        for line in document["lines"]:
            number = line.pop("counterparty_number")
            line["text"] = line["text"].replace(str(number), "")
    else:
        del document["from"]["number"], document["to"]["number"]
    return document


def two_values(field: Any, reader: Reader, users: list[User]) -> list[Any] | None:
    if isinstance(field, models.ForeignKey):
        named = {User: users, Customer: [reader.foreign, reader.third]}
        return [row.pk for row in named.get(field.related_model, [])] or None
    if field.name == "currency":
        return ["USD", "EUR"]
    if field.choices:
        return [field.choices[i][0] for i in (0, -1)]
    for kind, values in (
        (models.BooleanField, [False, True]),
        (models.DateTimeField, list(_MOMENTS)),
        (models.DateField, [date(1990, 1, 1), date(1991, 1, 1)]),
        (models.GenericIPAddressField, ["192.0.2.1", "192.0.2.2"]),
        (models.UUIDField, [UUID(int=1), UUID(int=2)]),
        (models.JSONField, [{"alpha": "alpha"}, {"omega": "omega"}]),
        ((models.CharField, models.TextField), ["alpha", "omega"]),
        ((models.IntegerField, models.DecimalField), [1, 2]),
    ):
        if isinstance(field, kind):
            return values
    return [1, 2]  # An amount.


def groups(reader: Reader) -> dict[str, tuple[QuerySet[Any], set[str]]]:
    """Rows with the same visibility, and their columns that the customer sees."""
    bank, journal = reader.bank, Transaction.objects
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
        "own customer": (
            Customer.objects.filter(pk=reader.own.pk),
            {*CustomerSerializer.Meta.fields} - {"note"},
        ),
        "foreign customer": (Customer.objects.filter(pk=reader.foreign.pk), set()),
        "event of a customer": (CustomerEvent.objects.all(), {"customer"}),
    }


def withheld_columns(
    reader: Reader, users: list[User]
) -> list[tuple[str, list[Any], str, list[Any]]]:
    """The group, the keys of its rows, the column, and two values of it."""
    found = []
    for name, (rows, seen) in groups(reader).items():
        keys = list(rows.values_list("pk", flat=True))
        assert keys, name
        for field in rows.model._meta.concrete_fields:
            values = two_values(field, reader, users)
            if values and not field.primary_key and field.name not in seen:
                found.append((name, keys, field.attname, values))
    return found


@pytest.fixture
def bank(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """A sealed bank: without a snapshot, which no test has within its database transaction."""
    settings.DATA_DIR = tmp_path
    keys.make_key(keys.key_path())
    bank = make_bank()
    monkeypatch.setattr("seals.sealing.snapshot", lambda: nullcontext(connection))
    assert sealing.seal() is not None
    return bank


def test_no_query_reveals_the_value_of_a_withheld_column(
    bank: Bank, settings: Any, show: Callable[[str], None]
) -> None:
    """Every withheld column gets one value, then another: no response may change."""
    settings.THROTTLE_ADDRESS_PER_MINUTE = settings.THROTTLE_CLIENT_PER_MINUTE = 0
    reader = Reader(bank)
    users = [make_user("alpha"), make_user("omega")]
    columns = withheld_columns(reader, users)
    answers: list[dict[str, Any]] = []
    with unguarded():
        models_ = {name: rows.model for name, (rows, _) in groups(reader).items()}
        for which in (0, 1):
            for name, keys, column, values in columns:
                rows = models_[name]._default_manager
                is_unique = models_[name]._meta.get_field(column).unique and len(keys) > 1
                for number, key in enumerate(keys):
                    value = f"{values[which]}{number}" if is_unique else values[which]
                    rows.filter(pk=key).update(**{column: value})
            answers.append(reader.answers())
    assert [path for path in answers[0] if answers[0][path] != answers[1][path]] == []
    documents = [path for path in answers[0] if re.search("/(proof|receipt|statement)/", path)]
    refused = [path for path in documents if isinstance(answers[0][path], tuple)]
    # That of Bob is not Ada's to see.
    assert (len(documents), len(refused)) == (6, 1)
    withheld = {(name, column) for name, _, column, _ in columns}
    assert withheld >= {
        ("reversal", "description"),
        ("event of an account", "reason"),
        ("foreign account", "name"),
        ("foreign account", "customer_id"),
        ("own customer", "note"),
        *(("foreign customer", name) for name in ("note", "email", "phone", "status", "user_id")),
    }
    show(f"{len(columns)} withheld columns, {len(answers[0])} requests")
    assert len(columns) >= 149
