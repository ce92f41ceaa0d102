"""Which accounts the load falls on: one choice for the bank and for the floors, so they compare."""

from collections.abc import Sequence
from random import Random
from uuid import UUID

from benchmarks.target import Target

UNITS_PER_CENT = 100


class Choice:
    """Random accounts, all of them as likely, and amounts from 0.01 to 10.00."""

    def __init__(self, target: Target) -> None:
        self._account_ids = target.account_ids
        self._random = Random()  # noqa: S311 - a load, not a secret

    def pair(self) -> tuple[UUID, UUID]:
        """Two different accounts."""
        one, other = self._random.sample(self._account_ids, 2)
        return one, other

    def cents(self) -> int:
        return self._random.randint(1, 1000)

    def kind(self, kinds: Sequence[str]) -> str:
        return self._random.choice(kinds)
