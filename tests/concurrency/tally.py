"""Counts of a run, printed at its end. Thread-safe."""

import os
import threading
from collections import Counter

# The factor of work in a soak, compared with a short run.
SCALE_VARIABLE = "TEST_SCALE"
SCALE = int(os.environ.get(SCALE_VARIABLE, "1"))


class Tally:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._counts[name] += count

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def as_dict(self) -> dict[str, int]:
        return dict(self._counts)
