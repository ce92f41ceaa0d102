"""What a run counts, for the figures at its end. Safe for many threads."""

import os
import threading
from collections import Counter

# How much more than a smoke: a soak does everything this many times over.
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
