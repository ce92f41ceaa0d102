"""The number of threads that may wait for a lock, tested without a clock."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import bulkhead, contention
from core.bulkhead import Bulkhead
from core.errors import Busy


def elsewhere(job: Callable[[], Any]) -> Any:
    """Runs the job in a thread that then ends; returns its result, or the Busy that it raised."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(job())
        except Busy as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return result[0]


@pytest.fixture
def two_places() -> Bulkhead:
    return Bulkhead(2)


@pytest.fixture(autouse=True)
def _uninstalled() -> Iterator[None]:
    yield
    bulkhead._bulkhead = None


def test_as_many_wait_as_there_are_places(two_places: Bulkhead) -> None:
    # This wait is entered by hand, because the system may reuse the id of an ended thread.
    two_places._waits = {1: bulkhead._Wait({"a"}, float("inf"))}
    assert two_places.enter({"b"}) is True
    assert elsewhere(lambda: two_places.enter({"c"})) is False
    two_places.leave()
    assert elsewhere(lambda: two_places.enter({"c"})) is True


def test_a_place_is_kept_between_attempts(two_places: Bulkhead) -> None:
    assert two_places.enter({"a"}) is True
    since = [wait.since for wait in two_places._waits.values()]
    assert two_places.enter({"a"}) is True
    assert [wait.since for wait in two_places._waits.values()] == since
    assert len(two_places._waits) == 1


def test_one_thread_is_enough_to_wait_for_what_is_stuck(two_places: Bulkhead) -> None:
    two_places._waits = {1: bulkhead._Wait({"a", "b"}, 0.0)}
    with pytest.raises(Busy, match="account is in use"):
        two_places.enter({"b", "c"})
    assert two_places.enter({"c"}) is True


def test_a_queue_of_a_moment_is_not_stuck(two_places: Bulkhead) -> None:
    two_places._waits = {1: bulkhead._Wait({"a"}, float("inf"))}
    assert two_places.enter({"a"}) is True


@pytest.mark.parametrize(("threads", "places"), [(1, 1), (2, 1), (8, 7)])
def test_one_thread_of_a_process_stays_free(threads: int, places: int) -> None:
    bulkhead.install(threads)
    assert bulkhead._bulkhead is not None
    assert bulkhead._bulkhead._places == places


def test_other_processes_have_no_bound() -> None:
    assert bulkhead._bulkhead is None
    assert all(bulkhead.enter({"a"}) for _ in range(20))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("outcome", [None, RuntimeError("x"), Busy("x")])
def test_a_place_is_released_on_every_outcome(outcome: Exception | None) -> None:
    bulkhead.install(2)

    def run() -> None:
        assert bulkhead.enter({"a"}) is True
        if outcome:
            raise outcome

    if outcome is None:
        contention.retrying(run)
    else:
        with pytest.raises(type(outcome)):
            contention.retrying(run)
    assert bulkhead._bulkhead is not None
    assert bulkhead._bulkhead._waits == {}
