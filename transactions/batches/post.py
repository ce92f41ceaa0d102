"""Posts a batch once for its key: atomically or item by item; at once, queued or as a dry run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError

from accounts.models import Account
from accounts.states import AccountKind
from core.commands import KeyedCommand, Origin
from core.errors import BankError, NotFound, Refusal, SelfDealing
from core.metrics.instruments import REPLAYS_OF, REQUEST
from transactions.batches.about_holds import with_their_holds
from transactions.commands import Capture, MoneyCommand
from transactions.ledger import booking, hold_items
from transactions.ledger.booking import ItemResults, Results
from transactions.ledger.hold_items import known_money, replayed_about_hold
from transactions.ledger.idempotency import HoldResult, Replay, find_batch, find_known
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process_batch
from transactions.models import Batch, HoldItem, Transaction
from transactions.queue.acceptance import accept

# A longer batch would lock the accounts for too long. Ids can number this many rows of one moment.
MAX_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """The items of a batch, in order. An atomic batch is done as a whole or not at all.

    `request_fingerprint` shows whether another batch with the same key is the same.
    """

    commands: Sequence[KeyedCommand[Any]]
    atomic: bool
    idempotency_key: str | None = None
    request_fingerprint: str = ""
    earlier_fingerprint: str = ""
    # Whether items are about holds.
    has_holds: bool = False

    def movements(self) -> Sequence[MoneyCommand]:
        """The items of a batch without any about holds."""
        assert not self.has_holds
        return cast("Sequence[MoneyCommand]", self.commands)


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """A result for each item, in order. `replayed`: an earlier request made them all."""

    batch: Batch
    results: ItemResults
    replayed: bool = False

    def rows(self) -> Results:
        """The results of a batch without items about holds."""
        return cast("Results", list(self.results))


def post_batch(
    request: BatchRequest, origin: Origin, *, queued: bool = False, dry_run: bool = False
) -> BatchOutcome:
    """Runs the items in order, in one database transaction; the results are committed.

    Each item of a batch that is not atomic has its own outcome: COMPLETED, FAILED, or PENDING if
    the amount needs approval. An atomic batch raises the first refusal, with its index, and leaves
    only the refused transaction behind, FAILED for good; nothing, if the item is about a hold. With
    `queued` the items of a batch that is not atomic are stored for a worker; an atomic one, and one
    with items about holds, is done at once.

    Raises InvalidInput, which points at each bad item; NotFound, SelfDealing and
    IdempotencyKeyReused, with the index; ApprovalRequired for an atomic batch, with the index;
    Busy. All of them leave nothing behind. A batch with a known key returns the BatchOutcome of the
    first time, in its present state.
    """
    assert 1 <= len(request.commands) <= MAX_ITEMS
    # Its id and time are assigned under the locks, with those of its items.
    batch = Batch(
        caller=origin.caller,
        idempotency_key=request.idempotency_key,
        request_fingerprint=request.request_fingerprint,
        atomic=request.atomic,
    )
    batch.earlier_fingerprint = request.earlier_fingerprint
    try:
        if stored := find_batch(batch):
            return _replay(stored, request, origin, dry_run=dry_run)
        results: ItemResults
        try:
            results = _run(batch, request, origin, queued=queued, dry_run=dry_run)
        except IntegrityError:
            if stored := find_batch(batch):
                return _replay(stored, request, origin, dry_run=dry_run)
            raise
        if batch.refused_index is not None:
            refused = results[0]
            assert not isinstance(refused, HoldResult)
            raise _refusal_of(refused, batch.refused_index)
    except BankError as error:
        if dry_run:
            error.transaction_id = None
        raise
    return BatchOutcome(batch, results)


def _run(
    batch: Batch, request: BatchRequest, origin: Origin, *, queued: bool, dry_run: bool
) -> ItemResults:
    commands = with_their_holds(request.commands) if request.has_holds else request.commands
    book = hold_items.book if request.has_holds else booking.book
    try:
        if queued and not (request.atomic or request.has_holds or dry_run):
            return accept(request.movements(), origin, batch=batch)
        return process_batch(batch, commands, origin, keep=not dry_run, book=book)
    except NotFound as error:
        if error.index is not None:
            raise
        raise _first_unknown(commands) from error
    except SelfDealing as error:
        if error.index is not None:
            raise
        raise _first_own(commands, error.own_id) from error


def _first_unknown(commands: Sequence[KeyedCommand[Any]]) -> NotFound:
    """The error for the first item whose account does not exist. Accounts are never deleted."""
    named = {account_id for command in commands for account_id in command.account_ids()}
    customers = Account.objects.filter(kind=AccountKind.CUSTOMER, pk__in=named)
    known = set(customers.values_list("pk", flat=True))
    for index, command in enumerate(commands):
        for account_id in command.account_ids():
            if account_id not in known:
                return NotFound(f"There is no account {account_id}.", index=index)
    raise AssertionError("All accounts are there.")


def _first_own(commands: Sequence[KeyedCommand[Any]], account_id: UUID) -> SelfDealing:
    """The error for the first item on an account of the requesting user, who may own several."""
    touches = (index for index, one in enumerate(commands) if account_id in one.account_ids())
    return SelfDealing(account_id, index=next(touches))


def _replay(stored: Batch, request: BatchRequest, origin: Origin, *, dry_run: bool) -> BatchOutcome:
    """The result of the key's first batch, in its present state. Raises its refusal, if any."""
    rows = Transaction.objects.filter(batch=stored).select_related("batch")
    if not dry_run:
        REPLAYS_OF[REQUEST].inc()
    replays = {row.batch_index or 0: Replay(row) for row in rows}
    if stored.refused_index is not None:
        raise _refusal_of(replays[stored.refused_index], stored.refused_index)
    results: dict[int, Any] = {**replays}
    if request.has_holds:
        results = _with_results_about_holds(stored, replays, request, origin)
    elif len(results) < len(request.commands):
        # Items whose own keys were already known then are not part of the batch.
        results |= find_known(request.commands, origin)
    return BatchOutcome(stored, [results[index] for index in range(len(request.commands))], True)


def _with_results_about_holds(
    stored: Batch, replays: dict[int, Replay], request: BatchRequest, origin: Origin
) -> dict[int, Any]:
    """The results of all items of a stored batch, as `hold_items.book` has returned them."""
    results: dict[int, Any] = {**known_money(request.commands, origin), **replays}
    for item in HoldItem.objects.filter(batch=stored):
        results[item.batch_index] = HoldResult(
            item.hold_id,
            failure_code=item.failure_code,
            failure_detail=item.failure_detail,
            replayed=True,
        )
    for index, command in enumerate(request.commands):
        if index not in results:
            results[index] = replayed_about_hold(command, origin)
        elif isinstance(command, Capture) and isinstance(results[index], Replay):
            results[index] = HoldResult(command.hold_id, results[index], replayed=True)
    return results


def _refusal_of(result: JournalRow | Replay, index: int) -> Refusal:
    refusal = result.refusal()
    assert refusal is not None
    refusal.index = index
    refusal.is_final = True
    return refusal
