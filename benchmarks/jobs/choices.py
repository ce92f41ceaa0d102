"""The choice of accounts for the load: the same for the bank and the floors, to compare them."""

from collections.abc import Sequence
from itertools import accumulate
from random import Random
from uuid import UUID

from benchmarks.target import Target

UNITS_PER_CENT = 100
# The load is even over all accounts, falls mostly on a few, or has one account in every pair.
EVEN, ZIPF, STEEP, HOT = "even", "zipf", "steep", "hot"
# The exponents of the law of Zipf.
_EXPONENTS = {ZIPF: 1, STEEP: 2}


class Choice:
    """Random accounts and amounts from 0.01 to 10.00.

    By ZIPF the account of rank n is chosen 1/n times as often as the first one, and by STEEP 1/n^2
    times. By HOT the second account of a pair is always the same.
    """

    def __init__(self, target: Target, skew: str = EVEN) -> None:
        self._account_ids = target.people.account_ids
        self._random = Random()  # noqa: S311 - a load, not a secret
        ranks = range(1, len(self._account_ids) + 1)
        s = _EXPONENTS.get(skew)
        self._weights = list(accumulate(rank**-s for rank in ranks)) if s else None
        self._hot_id = self._account_ids[0] if skew == HOT else None

    def account(self) -> UUID:
        if self._weights is None:
            return self._random.choice(self._account_ids)
        (chosen,) = self._random.choices(self._account_ids, cum_weights=self._weights)
        return chosen

    def pair(self) -> tuple[UUID, UUID]:
        """Two different accounts."""
        other = self._hot_id or self.account()
        while (one := self.account()) == other:
            pass
        return one, other

    def cents(self) -> int:
        return self._random.randint(1, 1000)

    def kind(self, kinds: Sequence[str]) -> str:
        return self._random.choice(kinds)

    def share(self) -> float:
        """A uniform random number from 0 to 1."""
        return self._random.random()
