"""Books a batch that has items about holds. The caller's transaction holds the locks.

Such an item reads and writes its hold by itself, as in a request of its own, and so costs several
statements. A batch without such items is booked by `booking`, and costs nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction

from core.commands import KeyedCommand, Origin, R_co
from core.errors import (
    MAX_ERRORS,
    BankError,
    FieldError,
    HoldNotOpen,
    IdempotencyKeyReused,
    InvalidInput,
    Refusal,
)
from core.identifiers import uuid7
from transactions.ledger import writer
from transactions.ledger.booking import (
    BAD_ITEM,
    ItemResult,
    ItemResults,
    check_done,
    check_refused,
    inserting,
    mark,
    pointed,
)
from transactions.ledger.command import MoneyCommand
from transactions.ledger.execution import execute_new
from transactions.ledger.idempotency import (
    HoldResult,
    KeyIsUsed,
    Replay,
    find_known,
    find_replays,
)
from transactions.ledger.journal import DETAIL_LENGTH, JournalRow
from transactions.ledger.run import Run
from transactions.models import Batch, Hold, HoldItem
from transactions.states import HoldAction, TransactionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAboutHold(KeyedCommand[R_co]):
    """Base of the commands that an item of a batch may give about a hold."""

    action: ClassVar[HoldAction]


# The commands of a batch: money commands, and those about holds.
Items = Sequence[KeyedCommand[Any]]


def book(batch: Batch, commands: Items, run: Run) -> ItemResults:
    """As `booking.book`, also for items about holds: each sees the effects of all before it.

    A refused item about a hold stores nothing but its result. It ends an atomic batch, which then
    leaves nothing behind. Raises the errors of `booking.book`, and of the commands, with the index.
    """
    batch.id, batch.created_at = uuid7(run.now), run.now
    batch.refused_index = None
    run.batch_id = batch.id
    known = known_money(commands, run.origin)
    try:
        with transaction.atomic(), inserting(batch):
            results = _Booking(batch, run, known).results_of(commands)
            run.flush()
            HoldItem.objects.bulk_create(_stored(batch, commands, results))
    except _RefusedRow as refused:
        batch.refused_index = refused.row.batch_index
        with inserting(batch):
            writer.write([refused.row], run.accounts)
        return [refused.row]
    return results


def known_money(commands: Items, origin: Origin) -> dict[int, Replay]:
    """The replays of the money commands with known keys, by index in the whole list."""
    places = [at for at, command in enumerate(commands) if isinstance(command, MoneyCommand)]
    try:
        found = find_known([commands[at] for at in places], origin)
    except IdempotencyKeyReused as error:
        error.index = places[error.index or 0]
        raise
    return {places[at]: replay for at, replay in found.items()}


def replayed_about_hold(command: KeyedCommand[Any], origin: Origin) -> HoldResult | None:
    """The result of an earlier request with the key of this command about a hold, if any."""
    for replay in find_replays([command], origin):
        if isinstance(command, ItemAboutHold) and command.action == HoldAction.CAPTURE:
            return HoldResult(_hold_id(command), replay, replayed=True)
        found = replay.stored
        hold_id = found.pk if isinstance(found, Hold) else _hold_id(command)
        return HoldResult(hold_id, replayed=True)
    return None


class _RefusedRow(Exception):
    """The first refused movement of an atomic batch, as its FAILED row."""

    def __init__(self, row: JournalRow) -> None:
        self.row = row
        super().__init__()


@dataclass(slots=True)
class _Booking:
    """A batch on its way: `ended` is what ends it, and `errors` are those of its bad items."""

    batch: Batch
    run: Run
    known: dict[int, Replay]
    ended: Exception | None = None
    errors: list[FieldError] = field(default_factory=list)

    def results_of(self, commands: Items) -> list[ItemResult]:
        """Executes the items in their order.

        After an error the rest is executed only to find all bad items: bad input leaves nothing
        behind, not even an earlier refusal. The caller rolls back.
        """
        results: list[ItemResult] = []
        for self.run.index, command in enumerate(commands):
            index = self.run.index
            try:
                result = self.known.get(index) or self._executed(command, index)
                if self.batch.atomic:
                    _check_completed(result, index)
                results.append(result)
            except BAD_ITEM as error:
                self.errors += pointed(error, index)
            except BankError as error:
                error.index = index
                self.ended = self.ended or error
            except _RefusedRow as refused:
                self.ended = self.ended or refused
            if len(self.errors) >= MAX_ERRORS:
                break
        if self.errors:
            detail = "The batch is not valid; errors says why."
            raise InvalidInput(detail, errors=self.errors[:MAX_ERRORS])
        if self.ended:
            raise self.ended
        return results

    def _executed(self, command: KeyedCommand[Any], index: int) -> ItemResult:
        if isinstance(command, MoneyCommand):
            return self._moved(command, index)
        try:
            made = command.execute(self.run)
        except KeyIsUsed:
            replayed = replayed_about_hold(command, self.run.origin)
            assert replayed is not None, "The key was found a moment ago, under the same locks."
            return replayed
        except (Refusal, HoldNotOpen) as refusal:
            if self.batch.atomic:
                raise
            detail = refusal.detail[:DETAIL_LENGTH]
            return HoldResult(_hold_id(command), failure_code=refusal.code, failure_detail=detail)
        if isinstance(made, Hold):
            return HoldResult(made.pk, is_new=_hold_id(command) is None)
        return HoldResult(_hold_id(command), made)

    def _moved(self, command: MoneyCommand, index: int) -> JournalRow:
        run = self.run
        posting = command.posting(run.accounts)
        row = mark(command.row(posting, run.origin, run.now, index), self.batch, index)
        execute_new(row, run.accounts, run.now, run.totals)
        run.rows.append(row)
        return row


def _check_completed(result: ItemResult, index: int) -> None:
    """Raises what ends an atomic batch at this item, if anything does."""
    item = result.result if isinstance(result, HoldResult) else result
    if isinstance(item, Replay):
        check_done(item, index)
    elif item is not None and item.status != TransactionStatus.COMPLETED:
        check_refused(item, index)
        raise _RefusedRow(item)


def _stored(batch: Batch, commands: Items, results: Sequence[ItemResult]) -> list[HoldItem]:
    """The items that are no transactions, and that no earlier request has done."""
    items = []
    for index, (command, result) in enumerate(zip(commands, results, strict=True)):
        if not isinstance(result, HoldResult) or result.result or result.replayed:
            continue
        assert isinstance(command, ItemAboutHold)
        item = HoldItem(
            id=uuid7(batch.created_at, index),
            batch=batch,
            batch_index=index,
            action=command.action,
            hold_id=result.hold_id,
            failure_code=result.failure_code,
            failure_detail=result.failure_detail,
        )
        if command.action == HoldAction.VOID and not result.failure_code:
            item.caller = batch.caller if command.idempotency_key else ""
            item.idempotency_key = command.idempotency_key
            item.request_fingerprint = command.request_fingerprint
        items.append(item)
    return items


def _hold_id(command: Any) -> UUID | None:
    """The hold that the command names; None if it places one."""
    return getattr(command, "hold_id", None)
