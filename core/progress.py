"""Progress of a long job: one self-updating line on a terminal, and nothing anywhere else."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

_BAR_WIDTH = 30
_SECONDS_BETWEEN = 0.1


class Progress:
    """A progress bar of `total` steps; a mere count if `total` is 0.

        with Progress("transactions.csv", total) as progress:
            progress.advance(5000)

    The line goes to standard error, so the job's output stays clean, and is erased at the end.
    """

    def __init__(self, label: str, total: int = 0, *, stream: TextIO | None = None) -> None:
        self._label = label
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._done = 0
        self._shown_at = 0.0
        self._is_shown = self._stream.isatty()

    def __enter__(self) -> Self:
        self._show()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_shown:
            self._stream.write("\r\x1b[K")  # ECMA-48: erase to the end of the line.
            self._stream.flush()

    def advance(self, steps: int) -> None:
        self._done += steps
        if self._is_shown and time.monotonic() - self._shown_at >= _SECONDS_BETWEEN:
            self._show()

    def _show(self) -> None:
        if not self._is_shown:
            return
        self._shown_at = time.monotonic()
        self._stream.write(f"\r\x1b[K{self._line()}")
        self._stream.flush()

    def _line(self) -> str:
        if not self._total:
            return f"{self._label}: {self._done:,}"
        share = min(self._done / self._total, 1.0)
        bar = "#" * int(share * _BAR_WIDTH)
        return f"{self._label} [{bar:<{_BAR_WIDTH}}] {share:4.0%}"
