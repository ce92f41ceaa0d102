"""Posts a movement file piece by piece: the one way of `post_batch` and of the file desk."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from core.commands import Origin
from core.failpoints import failpoint
from transactions.batches.files import MovementFile
from transactions.batches.post import MAX_ITEMS, post_batch
from transactions.ledger.booking import ItemResults

# The caller of every posted file, and so the owner of its keys: what one way has posted, the other
# one replays.
CALLER = "job:post_batch"


class Recorder(Protocol):
    """Keeps what became of a file's movements. `done` of them are recorded already."""

    done: int

    def append(self, lines: Sequence[int], results: ItemResults) -> None:
        """Records the results of a committed piece, durably."""


def post_file(
    movements: MovementFile,
    recorder: Recorder,
    origin: Origin,
    *,
    size: int,
    atomic: bool,
    key: str = "",
) -> Iterator[int]:
    """Posts what is not recorded, `size` movements at a time; yields how many, after each piece.

    An atomic file is one piece. Each piece is one database transaction, and recorded before the
    next one. A piece that was committed and not recorded is a replay. `key` as in `requests`.
    Raises the errors of `post_batch`.
    """
    size = MAX_ITEMS if atomic else size
    pieces = movements.requests(size, skip=recorder.done, atomic=atomic, key=key)
    for lines, request in pieces:
        outcome = post_batch(request, origin)
        failpoint("post_batch.committed")
        recorder.append(lines, outcome.results)
        yield len(lines)
