"""The result file beside a movement file: a line for each item.

The results of one piece of the movement file are durable before the run posts the next piece. The
first line identifies the movement file. So a killed run can be continued where it ended, and the
results of another file are never mistaken for those of this one.
"""

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from core.failpoints import failpoint
from core.files import FileProblem, os_errors_as_file_problem
from transactions.batches.files import MovementFile
from transactions.ledger.booking import ItemResults
from transactions.reads.items import represent_item


class ResultFile:
    """The results of one movement file; `done` is the number of results that it already has.

    A line that a killed run left unfinished is cut off. Its item is sent again, as a replay by its
    key. Raises FileProblem if the results belong to another movement file, or if the file cannot be
    written.
    """

    def __init__(self, path: Path, movements: MovementFile) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self.done = 0
        self._head = {"file": movements.source.path.name, "sha256": movements.digest}
        with os_errors_as_file_problem(path):
            # The lock on the file is held by now, so the file exists.
            self._file: IO[bytes] = path.open("r+b")
            try:
                self._take_up()
            except BaseException:
                self._file.close()
                raise

    def __enter__(self) -> "ResultFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, lines: Sequence[int], results: ItemResults) -> None:
        """Appends the results of a committed piece. On return they are on the disk."""
        written = []
        for line, result in zip(lines, results, strict=True):
            told = {"line": line, **represent_item(result), "replayed": result.replayed}
            written.append(told)
            self._count(told)
        with os_errors_as_file_problem(self.path):
            self._write(*written)
        failpoint("post_batch.recorded")

    def _take_up(self) -> None:
        head = self._file.readline()
        if not head.endswith(b"\n"):
            self._file.seek(0)
            self._file.truncate()
            self._write(self._head)
            return
        if json.loads(head) != self._head:
            raise FileProblem(f"{self.path} has the results of another file: move it away.")
        end = self._file.tell()
        while (line := self._file.readline()).endswith(b"\n"):
            self._count(json.loads(line))
            end = self._file.tell()
        self._file.seek(end)
        self._file.truncate()

    def _count(self, told: dict[str, Any]) -> None:
        self.done += 1
        self.counts[told["status"]] += 1
        self.counts["replayed"] += told["replayed"]

    def _write(self, *values: dict[str, Any]) -> None:
        text = b"".join(json.dumps(value).encode() + b"\n" for value in values)
        middle = len(text) // 2
        self._file.write(text[:middle])
        self._file.flush()
        failpoint("post_batch.half_recorded")
        self._file.write(text[middle:])
        self._file.flush()
        os.fsync(self._file.fileno())
