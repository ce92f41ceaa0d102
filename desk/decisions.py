"""Decisions on uploaded files: approve, reject, and reverse as a whole. Workers do the rest."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.admin.models import CHANGE
from django.db.models import F

from accounts.self_dealing import refuse_self_dealing_by_id
from core import clock
from core.commands import Origin
from core.contention import retrying
from core.errors import InvalidTransition, NotFound, SelfApproval
from core.staff_log import record
from desk import states
from desk.contents import account_ids_of, file_with
from desk.models import DeskFile
from desk.states import ENDED, FileStatus


def approve(file_id: UUID, origin: Origin, reason: str = "") -> DeskFile:
    """Lets workers post the file. Someone other than its maker may, superusers included.

    Raises NotFound, InvalidTransition if it is decided, SelfApproval for its maker, and SelfDealing
    if an account of the file belongs to the caller.
    """

    def decide(file: DeskFile, now: datetime) -> dict[str, Any]:
        if origin.user_id == file.uploaded_by_id:
            raise SelfApproval("Nobody decides on their own request.")
        refuse_self_dealing_by_id(account_ids_of(file), origin)
        return _decided(FileStatus.APPROVED, origin, now, reason)

    return _change(file_id, origin, (FileStatus.WAITING,), decide, _told("Approved", reason))


def reject(file_id: UUID, origin: Origin, reason: str) -> DeskFile:
    """Ends the file; nothing of it is posted. Its maker may reject it, to withdraw it.

    Raises NotFound, and InvalidTransition if it is decided.
    """

    def decide(_file: DeskFile, now: datetime) -> dict[str, Any]:
        return _decided(FileStatus.REJECTED, origin, now, reason)

    return _change(file_id, origin, (FileStatus.WAITING,), decide, _told("Rejected", reason))


def ask_for_reversal(file_id: UUID, origin: Origin, reason: str) -> DeskFile:
    """Lets a worker reverse every posted movement of the file, all or none.

    Raises NotFound; InvalidTransition unless the work on the file has ended, if it is reversed
    already, or if it has posted nothing; and SelfDealing as `approve`.
    """

    def decide(file: DeskFile, now: datetime) -> dict[str, Any]:
        if not file.completed + file.pending:
            raise InvalidTransition("The file has posted nothing.")
        refuse_self_dealing_by_id(account_ids_of(file), origin)
        return {
            "status": FileStatus.REVERSING,
            "problem": "",
            "reversal_asked_by": origin.user_id,
            "reversal_asked_at": now,
            "reversal_reason": reason,
            "reversal_request_id": origin.request_id,
            "reversal_address": origin.address,
            "reversal_attempts": F("reversal_attempts") + 1,
        }

    return _change(file_id, origin, ENDED, decide, _told("Asked to reverse it", reason))


def _decided(status: FileStatus, origin: Origin, now: datetime, reason: str) -> dict[str, Any]:
    return {
        "status": status,
        "decided_by": origin.user_id,
        "decided_at": now,
        "decision_reason": reason,
    }


def _told(words: str, reason: str) -> str:
    return f"{words}: {reason}" if reason else words


def _change(
    file_id: UUID,
    origin: Origin,
    allowed: tuple[FileStatus, ...],
    decide: Callable[[DeskFile, datetime], dict[str, Any]],
    words: str,
) -> DeskFile:
    """Changes the locked file by the values of `decide`, and records who did it and why."""

    def run() -> None:
        file = DeskFile.objects.select_for_update(no_key=True).filter(pk=file_id).first()
        if file is None:
            raise NotFound(f"There is no file {file_id}.")
        if file.status not in allowed:
            raise InvalidTransition(states.told(file.status))
        DeskFile.objects.filter(pk=file_id).update(**decide(file, clock.now()))
        record(origin.user_id, file, file.name, CHANGE, words)

    retrying(run)
    return file_with(file_id)
