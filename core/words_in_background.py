"""The workers' check of the words of names: an older release beside this one writes none."""

import logging
import time
from collections.abc import Iterator
from itertools import islice

from core.background import BackgroundJob
from core.name_words import mend

logger = logging.getLogger(__name__)

# Pages of a thousand rows, each time that the job looks.
_PAGES_AT_ONCE = 10
_SECONDS_BETWEEN_ROUNDS = 86_400.0


class WordsOfNames(BackgroundJob):
    """Reads all names once a day, some thousand at a time, and mends their words.

    Each look goes on where the one before it stopped. Several workers may mend the same row: the
    second finds nothing to mend.
    """

    name = "check of the words of names"

    def __init__(self) -> None:
        super().__init__()
        self._round: Iterator[int] | None = None
        self._next_round = 0.0

    def work(self) -> None:
        if self._round is None:
            if time.monotonic() < self._next_round:
                return
            self._round = mend()
        try:
            pages = list(islice(self._round, _PAGES_AT_ONCE))
        except Exception:
            self._round = None  # A broken round cannot go on: the next one starts at the beginning.
            raise
        if mended := sum(pages):
            logger.info("Mended the words of %s names", mended)
        if len(pages) < _PAGES_AT_ONCE:
            self._round, self._next_round = None, time.monotonic() + _SECONDS_BETWEEN_ROUNDS
