"""Processing times as a histogram, so that times of many days add up.

A time is counted in its bucket: its whole microseconds, cut to two significant digits. Each
number of microseconds below 100 has a bucket of its own; 1.234 s is in the bucket from 1.2 s up to
1.3 s. A percentile is given as the middle of its bucket, so it is at most 5 % off.
"""

from collections.abc import Mapping
from typing import Final

# The largest power of ten that cuts a time: a bucket for every 2^63 microseconds.
_MOST_DIGITS_CUT: Final = 17


def bucket_of(microseconds: int) -> int:
    """The lowest number of microseconds in the bucket of this time; a negative time counts as 0."""
    time = max(0, microseconds)
    width = _width(time)
    return time // width * width


def middle_of(bucket: int) -> int:
    """The middle of a bucket, in microseconds."""
    return bucket + _width(bucket) // 2


def _width(time: int) -> int:
    return int(10 ** max(0, len(str(time)) - 2))


def bucket_sql(microseconds: str) -> str:
    """`bucket_of` as SQL, of an SQL expression for whole microseconds."""
    steps = " ".join(
        f"WHEN {microseconds} < {100 * 10**cut} THEN {microseconds} / {10**cut} * {10**cut}"
        for cut in range(1, _MOST_DIGITS_CUT)
    )
    return (
        f"CASE WHEN {microseconds} <= 0 THEN 0"
        f" WHEN {microseconds} < 100 THEN {microseconds} {steps} END"
    )


def percentile(times: Mapping[int, int], percent: int) -> int | None:
    """The time, in microseconds, that at least `percent` of the times do not exceed.

    `times` has the number of times in each bucket. None if there are no times.
    """
    count = sum(times.values())
    # The nearest rank: the smallest whole number at or above percent/100 of the count.
    rank = -(-count * percent // 100)
    for bucket in sorted(times):
        rank -= times[bucket]
        if rank <= 0 and count:
            return middle_of(bucket)
    return None
