"""Processing times in buckets: the same in Python and SQL, and at most 5 % off."""

from collections import Counter
from random import Random

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from transactions.statistics.buckets import bucket_of, bucket_sql, middle_of, percentile

TIMES = st.one_of(
    st.integers(0, 2000),
    st.integers(0, 10**15),
    # The edges of buckets.
    st.builds(
        lambda digits, cut, beside: digits * 10**cut + beside,
        st.integers(10, 99),
        st.integers(0, 12),
        st.integers(-1, 1),
    ),
)


@given(TIMES)
def test_the_middle_of_a_bucket_is_at_most_five_percent_off(time: int) -> None:
    assert bucket_of(time) <= time
    assert abs(middle_of(bucket_of(time)) - time) * 20 <= time


@given(TIMES, TIMES)
def test_longer_times_are_in_later_buckets(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert bucket_of(low) <= bucket_of(high)
    assert middle_of(bucket_of(low)) <= middle_of(bucket_of(high))


def test_a_negative_time_counts_as_none() -> None:
    assert bucket_of(-5) == 0


@pytest.mark.django_db
def test_the_database_finds_the_same_buckets() -> None:
    random = Random(7)  # noqa: S311 - chance that can be repeated
    times = [-(10**9), *range(-2, 1100), *(10**power + step for power in range(3, 16)
             for step in (-1, 0, 1)), *(random.randrange(10**15) for _ in range(500))]  # fmt: skip
    rows = ", ".join(f"({time})" for time in times)
    with connection.cursor() as cursor:
        cursor.execute(f"WITH t (took) AS (VALUES {rows}) SELECT took, {bucket_sql('took')} FROM t")
        found = dict(cursor.fetchall())
    assert found == {time: bucket_of(time) for time in times}


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    times = Counter({5: 50, 20: 45, 1200: 4, 99_000: 1})
    found = [percentile(times, percent) for percent in (50, 51, 95, 96, 99, 100)]
    assert found == [5, 20, 20, 1250, 1250, 99_500]
    assert percentile(Counter(), 50) is None
    assert percentile(Counter({7: 1}), 99) == 7
