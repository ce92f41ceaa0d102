"""Idempotency keys: replays the result of an earlier request with the same key."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import IntegrityError, connection

from accounts.models import Account
from core.commands import Command, KeyedCommand, Origin
from core.errors import REFUSALS, AlreadyReversed, IdempotencyKeyReused, Refusal
from customers.models import Customer
from transactions.ledger.failures import is_final
from transactions.ledger.journal import JournalRow
from transactions.ledger.value_dates import BadValueDate
from transactions.models import Batch, Hold, HoldItem, Note, Transaction
from transactions.states import TransactionStatus

_REUSED = "This key was used for another request. Use a new one."
# How often a batch is tried when other requests keep taking keys of its items.
_ATTEMPTS = 3


class KeyIsUsed(Exception):
    """An earlier request has the key of this command. Nothing was done."""


# What a request may fail by whose key has been used: see `replays_after`. A value date that is
# refused now may have been valid then.
CONFLICTS = (IntegrityError, AlreadyReversed, BadValueDate, KeyIsUsed)

T = TypeVar("T")

# Finds keys of callers. Only a transaction can be replayed for an item of a list.
_KNOWN = """
    SELECT idempotency_caller, idempotency_key, CAST(id AS text), request_fingerprint
    FROM transactions_transaction WHERE idempotency_key IS NOT NULL
    AND idempotency_caller {given} AND idempotency_key {given}
    UNION ALL SELECT idempotency_caller, idempotency_key, NULL, NULL
    FROM accounts_account WHERE idempotency_key IS NOT NULL
    AND idempotency_caller {given} AND idempotency_key {given}
    UNION ALL SELECT caller, idempotency_key, NULL, NULL
    FROM transactions_batch WHERE idempotency_key IS NOT NULL
    AND caller {given} AND idempotency_key {given}"""
_KNOWN_POSTGRESQL = _KNOWN.format(given="= ANY(%s)")
_KNOWN_SQLITE = _KNOWN.format(given="IN (SELECT value FROM json_each(%s))")

# A caller and a key of theirs.
CallersKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of an earlier request with the same key, in its present state."""

    stored: Account | Customer | Hold | HoldItem | Note | Transaction
    replayed: ClassVar[bool] = True

    @property
    def id(self) -> UUID:
        return self.stored.pk

    def as_transaction(self) -> Transaction:
        assert isinstance(self.stored, Transaction)
        return self.stored

    def as_account(self) -> Account:
        assert isinstance(self.stored, Account)
        return self.stored

    def as_customer(self) -> Customer:
        assert isinstance(self.stored, Customer)
        return self.stored

    def as_hold(self) -> Hold:
        assert isinstance(self.stored, Hold)
        return self.stored

    def as_note(self) -> Note:
        assert isinstance(self.stored, Note)
        return self.stored

    def refusal(self) -> Refusal | None:
        """The error that the earlier request returned, if it still applies."""
        transaction = self.as_transaction()
        refusal = REFUSALS.get(transaction.failure_code)
        if refusal is None:
            return None
        return refusal(
            transaction.failure_detail,
            transaction_id=transaction.id,
            replayed=True,
            is_final=is_final(transaction),
        )


@dataclass(frozen=True, slots=True)
class HoldResult:
    """What became of an item of a batch about a hold: done, or refused with a code.

    A capture that was not refused has the `result` of its transaction.
    """

    hold_id: UUID | None
    result: JournalRow | Replay | None = None
    failure_code: str = ""
    failure_detail: str = ""
    replayed: bool = False
    # Whether the item has placed the hold.
    is_new: bool = False

    @property
    def status(self) -> TransactionStatus:
        """That of its transaction; else COMPLETED once it is done, FAILED if it was refused."""
        if self.result is not None:
            return TransactionStatus(row_of(self.result).status)
        return TransactionStatus.FAILED if self.failure_code else TransactionStatus.COMPLETED


def row_of(result: JournalRow | Replay) -> JournalRow | Transaction:
    """Returns the new row, or the existing transaction of a replay."""
    return result.as_transaction() if isinstance(result, Replay) else result


def replays_after(
    conflict: Exception, commands: Sequence[Command[Any]], origin: Origin
) -> list[Replay]:
    """Returns the replays of an earlier request with the same key, if that caused the conflict.

    Raises the BankError that explains the conflict, or the conflict itself.
    """
    if replays := find_replays(commands, origin):
        return replays
    for command in commands:
        command.explain_conflict()
    raise conflict


def with_new_keys(run: Callable[[], T], batch: Batch) -> T:
    """Returns the result of `run`, which looks up the keys of the batch's items.

    Calls `run` again, a bounded number of times, if another request has used an item's key since.
    Raises IntegrityError if the key of the batch itself has been used.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return run()
        except IntegrityError:
            if attempt == _ATTEMPTS or find_batch(batch):
                raise
    raise AssertionError("unreachable")


def find_batch(batch: Batch) -> Batch | None:
    """Returns the earlier batch with the same key. Raises IdempotencyKeyReused as for commands."""
    if batch.idempotency_key is None:
        return None
    stored = Batch.objects.filter(
        caller=batch.caller, idempotency_key=batch.idempotency_key
    ).first()
    if stored is None:
        if _stored(batch.caller, batch.idempotency_key):
            raise IdempotencyKeyReused(_REUSED)
        return None
    if not is_same(batch, stored.request_fingerprint):
        raise IdempotencyKeyReused(_REUSED)
    return stored


def find_known(commands: Sequence[KeyedCommand[Any]], origin: Origin) -> dict[int, Replay]:
    """Returns the replays of the commands with known keys, by index. At most two statements.

    Raises IdempotencyKeyReused, with the index of the first key that belongs to another request.
    """
    indexes = {
        command.idempotency_key: index
        for index, command in enumerate(commands)
        if command.idempotency_key
    }
    if not indexes:
        return {}
    index_of: dict[UUID, int] = {}
    reused = []
    for _, key, transaction_id, request_fingerprint in _known([origin.caller], list(indexes)):
        index = indexes[key]
        if is_same(commands[index], request_fingerprint):
            index_of[UUID(transaction_id)] = index
        else:
            reused.append(index)
    if reused:
        raise IdempotencyKeyReused(_REUSED, index=min(reused))
    if not index_of:
        return {}
    stored = Transaction.objects.filter(pk__in=index_of).select_related("batch")
    return {index_of[transaction.pk]: Replay(transaction) for transaction in stored}


def find_used(keys: Collection[CallersKey]) -> set[CallersKey]:
    """Returns those of the keys that a request has used. One statement."""
    callers = sorted({caller for caller, _ in keys})
    found = _known(callers, sorted({key for _, key in keys}))
    return {(caller, key) for caller, key, _, _ in found} & set(keys)


def _known(callers: list[str], keys: list[str]) -> list[tuple[str, str, str | None, str | None]]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_KNOWN_POSTGRESQL, [callers, keys] * 3)
        else:
            cursor.execute(_KNOWN_SQLITE, [json.dumps(callers), json.dumps(keys)] * 3)
        return list(cursor.fetchall())


def find_replays(commands: Sequence[Command[Any]], origin: Origin) -> list[Replay]:
    """Returns the replay of a request with one key, which its first command carries.

    Empty if the key is free or the list has none. Raises IdempotencyKeyReused if the key belongs to
    another request: one with other content, or of another kind.
    """
    command = commands[0] if commands else None
    if not isinstance(command, KeyedCommand) or not command.idempotency_key:
        return []
    stored: Any
    if command.keys_of:
        model, caller = command.keys_of
        mine = {caller: origin.caller, "idempotency_key": command.idempotency_key}
        stored = model._default_manager.filter(**mine).first()
        if stored is None:
            return []
    else:
        stored = _stored(origin.caller, command.idempotency_key)
    if stored is None:
        mine = {"caller": origin.caller, "idempotency_key": command.idempotency_key}
        if Batch.objects.filter(**mine).exists():
            raise IdempotencyKeyReused(_REUSED)
        return []
    if not is_same(command, stored.request_fingerprint):
        raise IdempotencyKeyReused(_REUSED)
    return [Replay(stored)]


def refuse_used_key(command: KeyedCommand[Any], origin: Origin) -> None:
    """Raises KeyIsUsed if an earlier request has the command's key.

    For a command that the state of an account may refuse without a row to show for it: its repeat
    must find what the first one has stored. Call it under the locks of the command.
    """
    if command.idempotency_key and find_replays([command], origin):
        raise KeyIsUsed


def is_same(request: Any, stored: str | None) -> bool:
    """Whether a command or a batch matches the stored fingerprint.

    Rows of earlier releases may have another fingerprint for the same content.
    """
    if stored == request.request_fingerprint:
        return True
    return bool(stored) and stored == request.earlier_fingerprint


def _stored(caller: str, key: str) -> Account | Transaction | None:
    mine = {"idempotency_caller": caller, "idempotency_key": key}
    return (
        Transaction.objects.filter(**mine).first()
        or Account.objects.select_related("owner").filter(**mine).first()
    )
