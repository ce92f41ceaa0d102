"""Takes a file in: reads it whole, tries it whole, and stores it for a second person."""

import hashlib
from dataclasses import replace

from django.contrib.admin.models import ADDITION
from django.db import IntegrityError

from core import clock
from core.commands import Origin
from core.contention import retrying
from core.errors import BankError, Busy, FieldError, InvalidInput
from core.identifiers import uuid7
from core.staff_log import record
from core.texts import check_text
from desk.models import DeskContent, DeskFile
from desk.rows import packed
from desk.states import FileStatus
from desk.trial import Trial, try_file
from transactions.batches.files import MovementFile, check_file
from transactions.batches.lines import MovementFileError, has_known_ending, in_memory
from transactions.batches.post import MAX_ITEMS
from transactions.batches.posting import CALLER

MAX_BYTES = 4 * 1024 * 1024
# Movements that are posted in one database transaction, if the file is not all or nothing.
PIECE = 1_000
_LONGEST_NAME = 255


def upload(name: str, content: bytes, *, atomic: bool, origin: Origin) -> DeskFile:
    """Stores a file of movements that is right in every row; posts nothing.

    Raises InvalidInput for a bad name, and with a sentence for each bad row (the first hundred); if
    this file was uploaded before, unless it was rejected then; and if every row was posted before.
    Raises Busy if the accounts are in use. After an error nothing is left.
    """
    _check_name(name)
    if not content:
        raise _refused("empty", "The file is empty.")
    if len(content) > MAX_BYTES:
        detail = f"The file is larger than {MAX_BYTES // 1024 // 1024} MiB, which is the most."
        raise _refused("too_large", detail)
    _refuse_known(hashlib.sha256(content).hexdigest())
    poster = replace(origin, caller=CALLER)
    movements = _checked(name, content, poster)
    trial = _tried(movements, poster)
    return retrying(lambda: _stored(content, movements, trial, atomic=atomic, origin=origin))


def _check_name(name: str) -> None:
    problem = ""
    try:
        check_text(name)
    except ValueError as error:
        problem = str(error)
    if len(name) > _LONGEST_NAME:
        problem = f"The name has more than {_LONGEST_NAME} characters."
    elif "/" in name or not has_known_ending(name):
        problem = "The file's name must end with .csv or .jsonl, and name no folder."
    if problem:
        raise InvalidInput(errors=[FieldError("/name", "invalid", problem)])


def _refused(code: str, *sentences: str) -> InvalidInput:
    errors = [FieldError("/content", code, sentence) for sentence in sentences]
    return InvalidInput("The file was not taken; errors says why.", errors=errors)


def _refuse_known(digest: str) -> None:
    files = DeskFile.objects.exclude(status=FileStatus.REJECTED).filter(digest=digest)
    known = files.select_related("uploaded_by").first()
    if known is None:
        return
    detail = (
        f"This file was uploaded before: {known.name}, by {known.uploaded_by.get_username()} on"
        f" {known.uploaded_at:%Y-%m-%d at %H:%M} UTC ({known.get_status_display().lower()})."
    )
    raise _refused("uploaded_before", detail)


def _checked(name: str, content: bytes, poster: Origin) -> MovementFile:
    try:
        movements = check_file(in_memory(name, content), MAX_ITEMS, poster, may_have_holds=False)
    except MovementFileError as error:
        raise _refused("invalid", *error.problems) from error
    if movements.length > MAX_ITEMS:
        detail = f"The file has {movements.length:,} movements, and {MAX_ITEMS:,} are the most."
        raise _refused("too_large", detail)
    return movements


def _tried(movements: MovementFile, poster: Origin) -> Trial:
    try:
        trial = try_file(movements, poster)
    except Busy:
        raise
    except BankError as error:
        where = "" if error.index is None else f"Line {movements.line(error.index)}: "
        raise _refused(error.code, f"{where}{error.detail}") from error
    if all(row.replayed for row in trial.rows):
        raise _refused("uploaded_before", "Every movement of this file was posted before.")
    return trial


def _stored(
    content: bytes, movements: MovementFile, trial: Trial, *, atomic: bool, origin: Origin
) -> DeskFile:
    now = clock.now()
    assert origin.user_id is not None, "Files are for those who are logged in."
    file = DeskFile(
        id=uuid7(now),
        name=movements.source.path.name,
        digest=movements.digest,
        size=len(content),
        rows=movements.length,
        atomic=atomic,
        piece=MAX_ITEMS if atomic else PIECE,
        expected=trial.summary(),
        uploaded_by_id=origin.user_id,
        uploaded_at=now,
        caller=origin.caller,
        request_id=origin.request_id,
        address=origin.address,
    )
    try:
        file.save(force_insert=True)
    except IntegrityError:
        raise _refused("uploaded_before", "This file was uploaded a moment ago.") from None
    DeskContent.objects.create(file=file, content=content, tried=packed(trial.rows))
    words = f"Uploaded {file.rows:,} movements"
    record(origin.user_id, file, file.name, ADDITION, words)
    return file
