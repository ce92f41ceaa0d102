import os
from datetime import UTC, datetime, timedelta, timezone
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.identifiers import MAX_INDEX, lowest_uuid7, moment_of, uuid7

# PostgreSQL and SQLite store microseconds. UUIDv7 begins with the epoch.
MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)
INDEXES = st.integers(0, MAX_INDEX)
MICROSECOND = timedelta(microseconds=1)


@given(MOMENTS, INDEXES)
def test_an_id_is_a_uuid_of_version_7_and_tells_its_moment(at: datetime, index: int) -> None:
    identifier = uuid7(at, index)
    assert identifier.version == 7
    assert identifier.variant == "specified in RFC 4122"
    assert moment_of(identifier) == at
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert identifier.int >> 80 == milliseconds


@given(MOMENTS)
def test_a_range_of_moments_is_a_range_of_ids(at: datetime) -> None:
    with patch("core.identifiers._random_number", return_value=0):
        first = uuid7(at)
    with patch("core.identifiers._random_number", return_value=(1 << 48) - 1):
        last = uuid7(at, MAX_INDEX)
    assert lowest_uuid7(at) == first < last < lowest_uuid7(at + MICROSECOND)


@given(MOMENTS, st.integers(0, MAX_INDEX - 1))
def test_a_list_made_in_one_moment_keeps_its_order(at: datetime, index: int) -> None:
    assert uuid7(at, index) < uuid7(at, index + 1)


def test_the_zone_of_the_moment_makes_no_difference() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert lowest_uuid7(noon) == lowest_uuid7(noon.astimezone(timezone(timedelta(hours=-7))))
    assert str(lowest_uuid7(noon)) == "019ca945-0a00-7000-8000-000000000000"


def test_moments_before_the_epoch_are_the_epoch() -> None:
    """A filter may contain any date; no row is that old."""
    assert lowest_uuid7(datetime(1, 1, 1, tzinfo=UTC)).int >> 80 == 0


def test_ids_of_one_moment_differ() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert len({uuid7(noon) for _ in range(1_000)}) == 1_000


def test_a_child_process_does_not_repeat_the_ids_of_its_parent() -> None:
    """Web workers are forked, and random numbers are fetched ahead."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    uuid7(noon)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write_end, b"".join(uuid7(noon).bytes for _ in range(100)))
        os._exit(0)
    os.close(write_end)
    mine = {uuid7(noon).bytes for _ in range(100)}
    with os.fdopen(read_end, "rb") as pipe:
        sent = pipe.read()
    os.waitpid(child, 0)
    theirs = {sent[start : start + 16] for start in range(0, len(sent), 16)}
    assert len(mine | theirs) == 200


@pytest.mark.parametrize("index", [-1, MAX_INDEX + 1])
def test_more_ids_than_a_moment_has_are_a_bug(index: int) -> None:
    with pytest.raises(AssertionError):
        uuid7(datetime(2026, 3, 1, tzinfo=UTC), index)
