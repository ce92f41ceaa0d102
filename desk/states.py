"""The states of an uploaded file."""

from django.db.models import TextChoices


class FileStatus(TextChoices):
    WAITING = "WAITING", "Waits for approval"
    REJECTED = "REJECTED", "Rejected"
    APPROVED = "APPROVED", "Being posted"
    POSTED = "POSTED", "Posted"
    STOPPED = "STOPPED", "Stopped"
    REVERSING = "REVERSING", "Being reversed"
    REVERSED = "REVERSED", "Reversed"


def told(status: str) -> str:
    """Why a step of another status is not possible, as a sentence."""
    if status == FileStatus.WAITING:
        return "The file waits for approval."
    return f"The file is {FileStatus(status).label.lower()} already."


# What a file may become. The database refuses everything else.
MOVES: dict[FileStatus, tuple[FileStatus, ...]] = {
    FileStatus.WAITING: (FileStatus.APPROVED, FileStatus.REJECTED),
    FileStatus.APPROVED: (FileStatus.POSTED, FileStatus.STOPPED),
    FileStatus.POSTED: (FileStatus.REVERSING,),
    FileStatus.STOPPED: (FileStatus.REVERSING,),
    FileStatus.REVERSING: (FileStatus.REVERSED, FileStatus.POSTED, FileStatus.STOPPED),
    FileStatus.REJECTED: (),
    FileStatus.REVERSED: (),
}
# Nothing of it is posted: its rows have the outcome of the dry run.
TRIED = (FileStatus.WAITING, FileStatus.REJECTED)
# A worker has something to do.
UNDER_WAY = (FileStatus.APPROVED, FileStatus.REVERSING)
# Workers are done, and the file may be reversed.
ENDED = (FileStatus.POSTED, FileStatus.STOPPED)
