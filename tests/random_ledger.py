"""A random history, written as fast as the ledger can, as a base for tests."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from random import Random
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from accounts.commands.open import ensure_cash_account
from accounts.locks import LockedAccount
from accounts.models import CASH, Account, internal_account_id
from core import clock
from core.errors import Refusal
from core.identifiers import uuid7
from core.numbers import new_account_number
from transactions.ledger import writer as ledger
from transactions.ledger.execution import check, complete
from transactions.ledger.journal import JournalRow
from transactions.ledger.posting import Posting
from transactions.states import TransactionStatus, TransactionType

BEGAN = datetime(2026, 1, 1, 9, tzinfo=UTC)
ROWS_AT_ONCE = 5000
CURRENCIES = {"USD": 100, "JPY": 10_000, "BHD": 10}  # Units of the smallest amount.
_KINDS = (TransactionType.DEPOSIT, TransactionType.WITHDRAW, TransactionType.TRANSFER)
TEXTS = ("", "Rent, May", 'a "quoted" one', "two\nlines", "ünïcode ✓ 口座", "=1+1", "plain " * 9)


def write_random_ledger(seed: int, *, accounts: int, transactions: int) -> None:
    """Writes deposits, withdrawals and transfers, some refused, in several currencies."""
    random = Random(seed)  # noqa: S311 - chance that can be repeated
    owners = [get_user_model().objects.create_user(f"customer-{number}") for number in range(5)]
    opened = [
        _open(random, index, owner_id=random.choice([None, *(owner.pk for owner in owners)]))
        for index in range(accounts)
    ]
    Account.objects.bulk_create(opened)
    locked = [LockedAccount.of(account) for account in opened]
    by_id = {account.id: account for account in locked}
    rows = _rows(random, locked, transactions, [owner.pk for owner in owners])
    while some := list(islice(rows, ROWS_AT_ONCE)):
        with transaction.atomic():
            ledger.write(some, by_id)


def _open(random: Random, index: int, owner_id: int | None) -> Account:
    currency = random.choice(list(CURRENCIES))
    ensure_cash_account(currency, clock.now())
    at = BEGAN + timedelta(microseconds=index)
    return Account(
        id=uuid7(at),
        number=new_account_number(),
        name=f"Account {index}, {random.choice(TEXTS)}".replace("\n", " "),
        owner_id=owner_id,
        currency=currency,
        overdraft_limit=Decimal(random.choice([0, 500])),
        metadata=random.choice([{}, {"branch": "7", "a": 'é"x'}]),
        created_at=at,
        updated_at=at,
    )


def _rows(
    random: Random, accounts: list[LockedAccount], count: int, users: list[int]
) -> Iterator[JournalRow]:
    by_id = {account.id: account for account in accounts}
    at, index = BEGAN + timedelta(seconds=1), 0
    for number in range(count):
        pause = random.choice([0, 1, 999, 1_000_000])
        at, index = at + timedelta(microseconds=pause), 0 if pause else index + 1
        account, other = random.sample(accounts, 2)
        kind = random.choice(_KINDS)
        if kind is TransactionType.TRANSFER and other.currency != account.currency:
            kind = TransactionType.DEPOSIT
        debited, credited = _sides(kind, account, other)
        keyed = random.random() < 0.3
        row = JournalRow(
            id=uuid7(at, index),
            type=kind,
            status=TransactionStatus.PENDING,
            debit_account_id=debited,
            credit_account_id=credited,
            amount=random.randrange(1, 9_999) * CURRENCIES[account.currency],
            currency=account.currency,
            description=random.choice(TEXTS),
            effective_at=at,
            idempotency_caller=f"user:{random.choice(users)}" if keyed else None,
            idempotency_key=f"key {number}" if keyed else None,
            request_fingerprint=f"{number:064x}" if keyed else "",
            created_by_id=random.choice([None, *users]),
            created_at=at,
            updated_at=at,
        )
        _settle(row, by_id)
        yield row


def _sides(
    kind: TransactionType, account: LockedAccount, other: LockedAccount
) -> tuple[UUID, UUID]:
    """The debited and the credited account."""
    cash = internal_account_id(CASH, account.currency)
    if kind == TransactionType.DEPOSIT:
        return cash, account.id
    return account.id, cash if kind == TransactionType.WITHDRAW else other.id


def _settle(row: JournalRow, accounts: dict[UUID, LockedAccount]) -> None:
    try:
        check(
            Posting(row.debit_account_id, row.credit_account_id, row.amount, row.currency), accounts
        )
    except Refusal as refusal:
        row.fail(refusal, row.created_at)
    else:
        sides = (row.debit_account_id, row.credit_account_id)
        complete(row, *(accounts.get(side) for side in sides), row.created_at)
