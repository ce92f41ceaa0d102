"""Loads a folder of the earlier system."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

from accounts.commands.open import ensure_cash_account
from accounts.locks import LockedAccount
from accounts.models import Account, AccountEvent
from accounts.states import AccountEventType, AccountKind, AccountStatus
from core import clock
from core.identifiers import MAX_INDEX, uuid7
from core.numbers import new_account_number
from legacy_import.bookings import bookings
from legacy_import.books import Books
from legacy_import.files import LegacyAccount, Movement, Reader
from legacy_import.transfers import join
from transactions.imports.empty_bank import empty_bank
from transactions.imports.options import Options
from transactions.imports.problems import ImportFileError, ImportOutcome, ImportRefused, Problems
from transactions.ledger import writer as ledger
from transactions.ledger.journal import JournalRow

CALLER = "job:import_data"
LEGACY_ID = "legacy_id"
_ROWS_AT_ONCE = 2000


def load(folder: Path, options: Options) -> ImportOutcome:
    """Opens the accounts and posts their history, all or nothing.

    An account has no owner, and keeps the earlier system's id in its metadata, as `legacy_id`.
    Memory grows with the files, because the two sides of a transfer can be anywhere in them. Raises
    ImportRefused.
    """
    problems = Problems()
    reader = Reader(folder, options.zone, clock.now(), problems, options.adjust)
    accounts, movements = _read(reader)
    opened = _new_accounts(list(accounts.values()), options.currency)
    locked = {one.metadata[LEGACY_ID]: LockedAccount.of(one) for one in opened}
    books = Books(
        locked, options.currency, options.adjust, problems, reader.remarks, reader.incomplete
    )
    rows = books.rows(bookings(accounts.values(), movements, join(movements)), accounts.values())
    if problems.count:
        # Also reports, in the same run, the differences that the readable rows leave.
        deque(rows, maxlen=0)
        raise ImportRefused("The files cannot be read.", problems)
    with empty_bank(dry_run=options.dry_run, actor_id=options.actor_id):
        _insert_accounts(opened, options.currency)
        count = _write(rows, books)
        if problems.count:
            raise ImportRefused(
                "The files of the earlier system do not explain all; `--adjust` books the rest"
                " openly, as deposits and withdrawals.",
                problems,
            )
    counts = {
        "accounts": len(accounts),
        "transactions": count,
        "adjustments": books.adjustments,
    }
    return ImportOutcome("earlier system", counts, books.remarks)


def _read(reader: Reader) -> tuple[dict[str, LegacyAccount], list[Movement]]:
    """The readable rows. Raises ImportRefused if a file cannot be read to its end."""
    try:
        accounts = reader.accounts()
        return accounts, list(reader.movements(accounts))
    except ImportFileError as error:
        reader.problems.add(error.problem)
        raise ImportRefused("The files cannot be read.", reader.problems) from error


def _new_accounts(accounts: list[LegacyAccount], currency: str) -> list[Account]:
    """Empty accounts, not stored yet."""
    numbers: set[str] = set()
    while len(numbers) < len(accounts):
        numbers.add(new_account_number())
    return [
        Account(
            id=uuid7(old.created_at, index & MAX_INDEX),
            number=number,
            name=old.name,
            kind=AccountKind.CUSTOMER,
            status=AccountStatus.ACTIVE,
            currency=currency,
            metadata={LEGACY_ID: old.legacy_id},
            created_at=old.created_at,
            updated_at=max(old.created_at, old.updated_at),
        )
        for index, (old, number) in enumerate(zip(accounts, numbers, strict=True))
    ]


def _insert_accounts(accounts: list[Account], currency: str) -> None:
    """Inserts the accounts, each with an event."""
    now = clock.now()
    ensure_cash_account(currency, now)
    Account.objects.bulk_create(accounts, batch_size=_ROWS_AT_ONCE)
    AccountEvent.objects.bulk_create(
        [_opened(account, now, index) for index, account in enumerate(accounts)],
        batch_size=_ROWS_AT_ONCE,
    )


def _opened(account: Account, now: datetime, index: int) -> AccountEvent:
    return AccountEvent(
        id=uuid7(now, index & MAX_INDEX),
        account=account,
        event=AccountEventType.OPENED,
        caller=CALLER,
        reason="Moved here from the earlier system.",
        before={},
        after={"name": account.name, "number": account.number, "metadata": account.metadata},
        at=now,
    )


def _write(rows: Iterator[JournalRow], books: Books) -> int:
    """Writes the rows in lists, each with the resulting state of the accounts.

    After a problem nothing more is written. The other rows are still posted in memory, to find
    their problems too.
    """
    by_id: dict[UUID, LockedAccount] = {one.id: one for one in books.accounts.values()}
    count = 0
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        if not books.problems.count:
            ledger.write(some, by_id)
        count += len(some)
    return count
