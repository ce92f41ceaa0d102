"""Reads of uploaded files: their movements, who acts for them, and their rows."""

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.selectors import currencies_of
from core.commands import Origin
from core.errors import IdempotencyKeyReused, NotFound
from desk.models import DeskContent, DeskFile
from desk.rows import FileRow, row_of, unpacked
from desk.states import TRIED, FileStatus
from transactions.batches.files import MovementFile
from transactions.batches.lines import in_memory
from transactions.batches.post import MAX_ITEMS
from transactions.batches.posting import CALLER
from transactions.commands import MoneyCommand
from transactions.ledger.idempotency import find_known
from transactions.models import Batch, Transaction
from transactions.states import TransactionStatus


def file_with(file_id: UUID) -> DeskFile:
    """Raises NotFound."""
    related = ("uploaded_by", "decided_by", "reversal_asked_by")
    found = DeskFile.objects.filter(pk=file_id).select_related(*related).first()
    if found is None:
        raise NotFound(f"There is no file {file_id}.")
    return found


def waiting_files() -> QuerySet[DeskFile]:
    """The files that wait for a second person, oldest first."""
    waiting = DeskFile.objects.filter(status=FileStatus.WAITING)
    return waiting.select_related("uploaded_by").order_by("id")


def movements_of(file: DeskFile) -> MovementFile:
    """The checked content of the file."""
    content = DeskContent.objects.values_list("content", flat=True).get(file=file.pk)
    return MovementFile(in_memory(file.name, bytes(content)), file.digest, file.rows)


def poster_of(file: DeskFile) -> Origin:
    """Who posts the file: its maker, with the keys of all posted files."""
    return Origin(
        user_id=file.uploaded_by_id,
        caller=CALLER,
        request_id=file.request_id,
        address=file.address,
    )


def key_of(file: DeskFile) -> str:
    """The beginning of the keys of the batches of the file."""
    return f"desk:{file.pk}:"


def batches_of(file: DeskFile) -> dict[UUID, int]:
    """The batches that the file has posted, each with the number of rows before it."""
    keys = {f"{key_of(file)}{first}": first for first in range(0, file.rows, file.piece)}
    found = Batch.objects.filter(caller=CALLER, idempotency_key__in=list(keys))
    return {batch.pk: keys[batch.idempotency_key or ""] for batch in found}


def account_ids_of(file: DeskFile) -> set[UUID]:
    """The accounts that the file moves money of."""
    pieces = movements_of(file).requests(MAX_ITEMS, skip=0, atomic=False)
    return {
        account_id
        for _, request in pieces
        for command in request.commands
        for account_id in command.account_ids()
    }


def tried_rows(file: DeskFile) -> list[FileRow]:
    """The rows with the outcome that the dry run at the upload had."""
    return unpacked(bytes(DeskContent.objects.values_list("tried", flat=True).get(file=file.pk)))


def rows_of(file: DeskFile, *, most: int | None = None) -> list[FileRow]:
    """The rows of the file with their transactions, in their present state.

    Before the approval: with the outcome of the dry run. With `most` only so many rows: those that
    failed first, then the first ones. A few statements, however many rows.
    """
    if file.status in TRIED:
        tried = tried_rows(file)
        if most is not None and len(tried) > most:
            tried.sort(key=lambda row: (not row.failure_code, row.line))
        return tried[:most]
    lines, commands = _lines_and_commands(file)
    batches = batches_of(file)
    chosen = range(file.rows) if most is None else _first_to_see(file, batches, most)
    own = _own_rows(file, batches, None if most is None else chosen)
    missing = [index for index in chosen if index < file.done and index not in own]
    others = _made_before(file, {index: commands[index] for index in missing})
    reversals = dict(
        Transaction.objects.filter(reverses__in=[row.pk for row in own.values()])
        .exclude(status=TransactionStatus.FAILED)
        .values_list("reverses", "pk")
    )
    currencies = currencies_of({commands[index].account_id for index in chosen})
    return [
        row_of(
            lines[index],
            commands[index],
            row,
            currency=currencies[commands[index].account_id].currency,
            replayed=index in others,
            transaction_id=str(row.pk) if row else "",
            reversed_by=str(reversals.get(row.pk, "")) if row else "",
        )
        for index in chosen
        for row in [own.get(index) or others.get(index)]
    ]


def _first_to_see(file: DeskFile, batches: Mapping[UUID, int], most: int) -> list[int]:
    failed = Transaction.objects.filter(batch__in=batches, status=TransactionStatus.FAILED)
    found = failed.order_by("pk").values_list("batch", "batch_index")[:most]
    places = sorted(batches[batch] + index for batch, index in found if batch and index is not None)
    return [*places, *(index for index in range(file.rows) if index not in places)][:most]


def _own_rows(
    file: DeskFile, batches: Mapping[UUID, int], places: Collection[int] | None
) -> dict[int, Transaction]:
    """The file's own transactions by their place in it; all, or those at these places."""
    wanted = Q(batch__in=batches)
    if places is not None:
        wanted = Q(pk__in=[])
        for batch, first in batches.items():
            here = [place - first for place in places if first <= place < first + file.piece]
            if here:
                wanted |= Q(batch=batch, batch_index__in=here)
    found = Transaction.objects.filter(wanted).select_related("batch")
    return {
        batches[row.batch_id] + row.batch_index: row
        for row in found
        if row.batch_id is not None and row.batch_index is not None
    }


def _lines_and_commands(file: DeskFile) -> tuple[list[int], list[MoneyCommand]]:
    """Each movement with its first line."""
    lines: list[int] = []
    commands: list[MoneyCommand] = []
    for some, request in movements_of(file).requests(MAX_ITEMS, skip=0, atomic=file.atomic):
        lines += some
        commands += request.movements()
    return lines, commands


def _made_before(file: DeskFile, commands: Mapping[int, MoneyCommand]) -> dict[int, Transaction]:
    """The transactions of rows whose keys an earlier request had used, by place."""
    places = list(commands)
    try:
        found = find_known(list(commands.values()), poster_of(file))
    except IdempotencyKeyReused:  # Another request has it, with other content.
        return {}
    return {places[at]: replay.as_transaction() for at, replay in found.items()}
