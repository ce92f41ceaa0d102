"""The one funnel: every change to accounts and every movement of money runs through `process`."""

import random
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from accounts.commands import AccountCommand, OpenAccount
from accounts.locks import LockedAccount, lock_accounts
from accounts.models import Account
from core.commands import Command, Origin
from core.errors import Busy, Refusal, TransactionsPending
from core.identifiers import uuid7
from transactions import ledger, selectors
from transactions.commands import MoneyCommand, check
from transactions.idempotency import Replay, find_replays
from transactions.ledger import JournalRow
from transactions.states import TransactionStatus

# Deadlock, serialization failure, lock timeout: SQLSTATEs after which nothing was done.
_CONTENTION = {"40P01", "40001", "55P03"}
_ATTEMPTS = 4
_BACKOFF_SECONDS = 0.05

Result = Account | JournalRow | Replay


def process(commands: Sequence[Command], origin: Origin) -> list[Any]:
    """Runs a list of commands in one database transaction, in order; returns a result for each.

    An account command gives the Account; a money command gives its JournalRow, COMPLETED or, if it
    was refused, FAILED with its code (`row.refusal()` is the error to raise). What comes back is
    committed.

    A command that carries an idempotency key which its caller has used before for the same request
    gives the Replay of what that made; used for another request, it raises IdempotencyKeyReused.

    Raises the BankError of the first command whose input is bad or whose account is unknown, and of
    an account command that is refused: then nothing of the list is left behind. Raises Busy when
    other transactions stay in the way. Locks all accounts of the list, in one query. Not to be
    called inside a transaction.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic(durable=True):
                return _run(commands, origin)
        except IntegrityError:
            # The insert settles a key: whoever comes second learns it here, with nothing done.
            if replays := find_replays(commands, origin):
                return replays
            raise
        except OperationalError as error:
            if not _is_contention(error):
                raise
            if attempt == _ATTEMPTS:
                raise Busy("The account is in use. Nothing was done.") from error
        # Outside the transaction: nobody waits for us while we wait.
        time.sleep(_BACKOFF_SECONDS * attempt * (0.5 + random.random()))  # noqa: S311
    raise AssertionError("unreachable")


def _is_contention(error: OperationalError) -> bool:
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in _CONTENTION:
        return True
    return "database is locked" in str(cause)


def _run(commands: Sequence[Command], origin: Origin) -> list[Result]:
    created_at = timezone.now()
    accounts = lock_accounts(_existing_ids(commands))
    results: list[Result] = []
    rows: list[JournalRow] = []
    for index, command in enumerate(commands):
        if isinstance(command, MoneyCommand):
            row = _journal_row(command, accounts, origin, created_at, index)
            rows.append(row)
            results.append(row)
            continue
        # An account command reads and writes the row itself: it must find what came before it.
        _write(rows, accounts)
        rows = []
        account = _apply(command, origin)
        accounts[account.id] = LockedAccount.of(account)
        results.append(account)
    _write(rows, accounts)
    return results


def _existing_ids(commands: Sequence[Command]) -> set[UUID]:
    """The accounts to lock: all that the list names, but those that it opens itself."""
    opened = {command.account_id for command in commands if isinstance(command, OpenAccount)}
    return {account_id for command in commands for account_id in command.account_ids()} - opened


def _apply(command: Command, origin: Origin) -> Account:
    if isinstance(command, OpenAccount):
        return command.apply(origin)
    assert isinstance(command, AccountCommand)
    # Only this layer knows what is queued. What is queued later ends FAILED by account_closed.
    if command.refused_while_pending and selectors.has_open_transactions(command.account_id):
        raise TransactionsPending("Transactions of this account are still pending.")
    return command.apply(origin)


def _journal_row(
    command: MoneyCommand,
    accounts: dict[UUID, LockedAccount],
    origin: Origin,
    created_at: datetime,
    index: int,
) -> JournalRow:
    """Executes one money command on the locked accounts, in memory."""
    posting = command.posting(accounts)
    row = JournalRow(
        id=uuid7(created_at, index),
        type=command.type,
        status=TransactionStatus.PENDING,
        debit_account_id=posting.debit_account_id,
        credit_account_id=posting.credit_account_id,
        amount=posting.amount,
        currency=posting.currency,
        description=command.description,
        effective_at=created_at,
        idempotency_caller=origin.caller if command.idempotency_key else None,
        idempotency_key=command.idempotency_key,
        request_fingerprint=command.request_fingerprint,
        scheduled_for=command.scheduled_for,
        created_by_id=origin.user_id,
        created_at=created_at,
        updated_at=created_at,
    )
    now = timezone.now()
    try:
        check(posting, accounts)
    except Refusal as refusal:
        row.fail(refusal, now)
        return row
    # Point of no return: everything below must succeed.
    row.complete(
        accounts.get(posting.debit_account_id), accounts.get(posting.credit_account_id), now
    )
    return row


def _write(rows: Sequence[JournalRow], accounts: dict[UUID, LockedAccount]) -> None:
    ledger.write(rows, [accounts[account_id] for account_id in _posted_to(rows, accounts)])


def _posted_to(rows: Iterable[JournalRow], accounts: dict[UUID, LockedAccount]) -> set[UUID]:
    return {
        account_id
        for row in rows
        if row.status == TransactionStatus.COMPLETED
        for account_id in (row.debit_account_id, row.credit_account_id)
        if account_id in accounts
    }
