"""Reverses a file: one atomic batch of reversals, the last movement first."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from django.db import IntegrityError

from core.commands import Origin
from core.errors import BankError, InvalidTransition
from desk.contents import batches_of, key_of, movements_of
from desk.models import DeskFile
from transactions.batches.post import BatchRequest, post_batch
from transactions.batches.posting import CALLER
from transactions.commands.reverse import Reversal
from transactions.models import Batch, Transaction
from transactions.states import OPEN, TransactionStatus

# How often it is tried when others keep reversing transactions of the file.
_ATTEMPTS = 3


def reverse_file(file: DeskFile) -> None:
    """Reverses all of the file's posted transactions that are not reversed, or none.

    A second call for the same request does nothing more. Raises InvalidTransition with the line if
    one of them cannot be reversed, or if one still waits; and Busy.
    """
    key = f"{key_of(file)}reversal:{file.reversal_attempts}"
    for attempt in range(1, _ATTEMPTS + 1):
        made = Batch.objects.filter(caller=CALLER, idempotency_key=key).first()
        if made and made.refused_index is None:
            return
        originals = _originals(file)
        try:
            _run(file, key, originals, made)
        except IntegrityError:
            if attempt == _ATTEMPTS:
                raise
        else:
            return


def try_reversal(file: DeskFile, origin: Origin) -> tuple[int, str]:
    """How many transactions `origin` would reverse now, and why that would be refused; or "".

    Runs the reversal, and rolls it back.
    """
    try:
        originals = _originals(file)
    except InvalidTransition as error:
        return 0, error.detail
    try:
        post_batch(_request(file, None, originals), replace(origin, caller=CALLER), dry_run=True)
    except BankError as error:
        return len(originals), _where(file, originals, error)
    return len(originals), ""


def reverser_of(file: DeskFile) -> Origin:
    return Origin(
        user_id=file.reversal_asked_by_id,
        caller=CALLER,
        request_id=file.reversal_request_id,
        address=file.reversal_address,
    )


def _run(file: DeskFile, key: str, originals: Sequence[Transaction], made: Batch | None) -> None:
    if made:
        refused = Transaction.objects.get(batch=made)
        raise InvalidTransition(f"Nothing was reversed. {refused.failure_detail}")
    try:
        post_batch(_request(file, key, originals), reverser_of(file))
    except BankError as error:
        if error.kind.retryable and error.index is None:
            raise
        raise InvalidTransition(
            f"Nothing was reversed. {_where(file, originals, error)}"
        ) from error


def _request(file: DeskFile, key: str | None, originals: Sequence[Transaction]) -> BatchRequest:
    ids = "".join(str(original.pk) for original in originals)
    commands = [
        Reversal(
            original=original,
            account_id=original.credit_account_id,
            amount=original.amount,
            description=file.reversal_reason,
        )
        for original in originals
    ]
    return BatchRequest(commands, True, key, hashlib.sha256(ids.encode()).hexdigest())


def _originals(file: DeskFile) -> list[Transaction]:
    """What is to be reversed, the last first: so each account has what it had in between."""
    batches = batches_of(file)
    own = Transaction.objects.filter(batch__in=batches)
    if own.filter(status__in=OPEN).exists():
        raise InvalidTransition(
            "Nothing was reversed. Some of its transactions still wait: approve, reject or cancel"
            " them first."
        )
    reversals = Transaction.objects.filter(reverses__batch__in=batches)
    reversed_ids = reversals.exclude(status=TransactionStatus.FAILED).values_list(
        "reverses", flat=True
    )
    gone = set(reversed_ids)
    left = [row for row in own.filter(status=TransactionStatus.COMPLETED) if row.pk not in gone]
    if not left:
        raise InvalidTransition("Each of its transactions is reversed already.")
    return sorted(left, key=lambda row: _place(batches, row), reverse=True)


def _place(batches: Mapping[UUID, int], row: Transaction) -> int:
    """The number of rows of the file before this one."""
    assert row.batch_id is not None
    assert row.batch_index is not None
    return batches[row.batch_id] + row.batch_index


def _where(file: DeskFile, originals: Sequence[Transaction], error: BankError) -> str:
    if error.index is None:
        return error.in_words
    place = _place(batches_of(file), originals[error.index])
    return f"Line {movements_of(file).line(place)}: {error.in_words}"
