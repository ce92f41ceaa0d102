"""Posts a batch once for its key: atomically or item by item; at once, queued or as a dry run."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError

from accounts.models import Account
from accounts.states import AccountKind
from core.commands import Origin
from core.errors import BankError, NotFound, Refusal, SelfDealing
from core.metrics.instruments import REPLAYS_OF, REQUEST
from transactions.commands import MoneyCommand
from transactions.ledger.booking import Results
from transactions.ledger.idempotency import Replay, find_batch, find_known
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process_batch
from transactions.models import Batch, Transaction
from transactions.queue.acceptance import accept

# A longer batch would lock the accounts for too long. Ids can number this many rows of one moment.
MAX_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """The items of a batch, in order. An atomic batch is done as a whole or not at all.

    `request_fingerprint` shows whether another batch with the same key is the same.
    """

    commands: Sequence[MoneyCommand]
    atomic: bool
    idempotency_key: str | None = None
    request_fingerprint: str = ""
    earlier_fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """A result for each item, in order. `replayed`: an earlier request made them all."""

    batch: Batch
    results: Results
    replayed: bool = False


def post_batch(
    request: BatchRequest, origin: Origin, *, queued: bool = False, dry_run: bool = False
) -> BatchOutcome:
    """Runs the items in order, in one database transaction; the results are committed.

    Each item of a batch that is not atomic has its own outcome: COMPLETED, FAILED, or PENDING if
    the amount needs approval. An atomic batch raises the first refusal, with its index, and leaves
    only the refused transaction behind, FAILED for good. With `queued` the items of a batch that is
    not atomic are stored for a worker; an atomic one is done at once.

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
        try:
            results = _run(batch, request, origin, queued=queued, dry_run=dry_run)
        except IntegrityError:
            if stored := find_batch(batch):
                return _replay(stored, request, origin, dry_run=dry_run)
            raise
        if batch.refused_index is not None:
            raise _refusal_of(results[0], batch.refused_index)
    except BankError as error:
        if dry_run:
            error.transaction_id = None
        raise
    return BatchOutcome(batch, results)


def _run(
    batch: Batch, request: BatchRequest, origin: Origin, *, queued: bool, dry_run: bool
) -> Results:
    try:
        if queued and not request.atomic and not dry_run:
            return accept(request.commands, origin, batch=batch)
        return process_batch(batch, request.commands, origin, keep=not dry_run)
    except NotFound as error:
        raise _first_unknown(request.commands) from error
    except SelfDealing as error:
        raise _first_own(request.commands, error.own_id) from error


def _first_unknown(commands: Sequence[MoneyCommand]) -> NotFound:
    """The error for the first item whose account does not exist. Accounts are never deleted."""
    named = {account_id for command in commands for account_id in command.account_ids()}
    customers = Account.objects.filter(kind=AccountKind.CUSTOMER, pk__in=named)
    known = set(customers.values_list("pk", flat=True))
    for index, command in enumerate(commands):
        for account_id in command.account_ids():
            if account_id not in known:
                return NotFound(f"There is no account {account_id}.", index=index)
    raise AssertionError("All accounts are there.")


def _first_own(commands: Sequence[MoneyCommand], account_id: UUID) -> SelfDealing:
    """The error for the first item on an account of the requesting user, who may own several."""
    touches = (index for index, one in enumerate(commands) if account_id in one.account_ids())
    return SelfDealing(account_id, index=next(touches))


def _replay(stored: Batch, request: BatchRequest, origin: Origin, *, dry_run: bool) -> BatchOutcome:
    """The result of the key's first batch, in its present state. Raises its refusal, if any."""
    rows = Transaction.objects.filter(batch=stored).select_related("batch")
    if not dry_run:
        REPLAYS_OF[REQUEST].inc()
    results = {row.batch_index or 0: Replay(row) for row in rows}
    if stored.refused_index is not None:
        raise _refusal_of(results[stored.refused_index], stored.refused_index)
    if len(results) < len(request.commands):
        # Items whose own keys were already known then are not part of the batch.
        results |= find_known(request.commands, origin)
    return BatchOutcome(stored, [results[index] for index in range(len(request.commands))], True)


def _refusal_of(result: JournalRow | Replay, index: int) -> Refusal:
    refusal = result.refusal()
    assert refusal is not None
    refusal.index = index
    refusal.is_final = True
    return refusal
