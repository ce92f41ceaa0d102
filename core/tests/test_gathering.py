"""Leaders and those who wait for them, step by step: nothing here depends on the time it takes."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any

import pytest

from core.database_errors import LOST, meaning_of
from core.gathering import ALONE, Gathering, NoAnswer
from tests.concurrency.crowd import Thread, at_once
from tests.concurrency.interleaving import until

FOR_EVER = 300.0


class Till:
    """Runs items, and says how each was run. An item named in `gates` waits until it may go on."""

    def __init__(self, **options: Any) -> None:
        options = {"patience_seconds": FOR_EVER, "bound_seconds": FOR_EVER} | options
        self.gathering: Gathering[str, str] = Gathering(self._alone, self._together, **options)
        self.runs: list[Any] = []
        self.gates: dict[str, threading.Event] = {}
        # What a group does instead of answering all.
        self.instead: Callable[[Sequence[str]], Sequence[Any]] | None = None

    def _alone(self, item: str) -> str:
        self.runs.append(item)
        self._pass(item)
        if item.startswith("bad"):
            raise ValueError(item)
        return f"{item} alone"

    def _together(self, items: Sequence[str]) -> Sequence[Any]:
        self.runs.append(list(items))
        for item in items:
            self._pass(item)
        if self.instead:
            return self.instead(items)
        return [f"{item} of {len(items)}" for item in items]

    def _pass(self, item: str) -> None:
        if gate := self.gates.get(item):
            assert gate.wait(FOR_EVER)

    def comes(self, item: str) -> Thread:
        """In a thread of its own, which waits or runs when this returns."""
        seen = self._seen()
        thread = Thread(partial(self.gathering.run, item)).start()
        assert until(lambda: self._seen() > seen or not thread.is_alive())
        return thread

    def _seen(self) -> int:
        return len(self.gathering._queue) + sum(
            len(run) if isinstance(run, list) else 1 for run in self.runs
        )

    def is_idle(self) -> bool:
        return self.gathering._leader is None and not self.gathering._queue


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def first(till: Till) -> Iterator[Thread]:
    """A lone leader that runs until its gate is opened."""
    till.gates["first"] = threading.Event()
    yield till.comes("first")
    till.gates["first"].set()


def test_a_lone_item_runs_at_once_and_alone(till: Till) -> None:
    assert till.gathering.run("a") == "a alone"
    assert till.gathering.run("b") == "b alone"
    assert till.runs == ["a", "b"]
    assert till.is_idle()


def test_a_lone_item_raises_its_own_error_and_leaves_nobody_waiting(till: Till) -> None:
    with pytest.raises(ValueError, match="bad"):
        till.gathering.run("bad")
    assert till.is_idle()
    assert till.gathering.run("a") == "a alone"


def test_all_that_wait_run_as_one_in_their_order(till: Till, first: Thread) -> None:
    waiting = [till.comes(item) for item in "abc"]
    assert till.runs == ["first"]
    till.gates["first"].set()
    assert first.result() == "first alone"
    assert [thread.result() for thread in waiting] == ["a of 3", "b of 3", "c of 3"]
    assert till.runs == ["first", ["a", "b", "c"]]
    assert till.is_idle()


def test_one_that_waits_runs_alone(till: Till, first: Thread) -> None:
    waiting = till.comes("a")
    till.gates["first"].set()
    assert waiting.result() == "a alone"
    assert till.is_idle()


def test_who_comes_while_a_group_runs_is_in_the_next(till: Till, first: Thread) -> None:
    till.gates["a"] = threading.Event()
    group = [till.comes(item) for item in "ab"]
    till.gates["first"].set()
    assert until(lambda: ["a", "b"] in till.runs)
    others = [till.comes(item) for item in "cd"]
    till.gates["a"].set()
    assert [thread.result() for thread in [*group, *others]] == [
        "a of 2",
        "b of 2",
        "c of 2",
        "d of 2",
    ]
    assert till.is_idle()


def test_a_group_has_a_bound_and_the_rest_are_led_by_one_of_them(first: Thread, till: Till) -> None:
    till.gathering._most = 2
    waiting = [till.comes(item) for item in "abcde"]
    till.gates["first"].set()
    assert [thread.result() for thread in waiting] == [
        "a of 2",
        "b of 2",
        "c of 2",
        "d of 2",
        "e alone",
    ]
    assert till.is_idle()


def test_each_has_its_own_error_or_runs_alone(till: Till, first: Thread) -> None:
    errors = [ValueError("a"), ValueError("b")]
    till.instead = lambda _items: [*errors, ALONE, "fine", ALONE]
    waiting = [till.comes(item) for item in ["a", "b", "c", "d", "bad e"]]
    till.gates["first"].set()
    for thread, error in zip(waiting[:2], errors, strict=True):
        with pytest.raises(ValueError) as raised:
            thread.result()
        assert raised.value is error
    assert [thread.result() for thread in waiting[2:4]] == ["c alone", "fine"]
    with pytest.raises(ValueError, match="bad e"):
        waiting[4].result()
    assert Counter(map(str, till.runs)) == Counter(
        ["first", "['a', 'b', 'c', 'd', 'bad e']", "c", "bad e"]
    )
    assert till.is_idle()


def test_a_leader_that_must_run_alone_leads_nobody_meanwhile(till: Till, first: Thread) -> None:
    """The others have their answers, and the next group runs, before it has run alone."""
    alone = threading.Event()
    till.instead = lambda items: [ALONE, *("fine" for _ in items[1:])]
    group = [till.comes(item) for item in "ab"]
    till._pass = lambda item: item != "a" or till.runs[-1] != "a" or alone.wait(FOR_EVER)  # type: ignore[method-assign,func-returns-value]
    till.gates["first"].set()
    first.result()
    assert group[1].result() == "fine"
    assert till.gathering.run("c") == "c alone"
    alone.set()
    assert group[0].result() == "a alone"


class Died(BaseException):
    """Not even an error."""


@pytest.mark.parametrize("error", [RuntimeError("a bug"), Died()])
def test_when_a_leader_dies_nobody_waits_and_nobody_runs_twice(
    till: Till, first: Thread, error: BaseException
) -> None:
    def die(_items: Sequence[str]) -> Sequence[str]:
        raise error

    till.instead = die
    waiting = [till.comes(item) for item in "abc"]
    till.gates["first"].set()
    with pytest.raises(type(error)) as raised:
        waiting[0].result()
    assert raised.value is error
    told = []
    for thread in waiting[1:]:
        with pytest.raises(NoAnswer) as unanswered:
            thread.result()
        told.append(unanswered.value)
    assert told[0] is not told[1]
    # Clients hear that nobody knows, as after a COMMIT whose answer was lost.
    assert meaning_of(told[0]) is LOST
    assert till.runs == ["first", ["a", "b", "c"]]
    assert till.is_idle()


def test_too_few_outcomes_are_none(till: Till, first: Thread) -> None:
    till.instead = lambda _items: ["whose?"]
    waiting = [till.comes(item) for item in "ab"]
    till.gates["first"].set()
    for thread in waiting:
        with pytest.raises(NoAnswer):
            thread.result()
    assert till.is_idle()


def test_a_slow_leader_is_not_waited_for() -> None:
    """Several lead then. The slow one has nothing to hand over when it ends."""
    till = Till(patience_seconds=0)
    till.gates = {"slow": threading.Event(), "slower": threading.Event()}
    slow = till.comes("slow")
    slower = till.comes("slower")
    assert till.comes("a").result() == "a alone"
    till.gates["slow"].set()
    assert slow.result() == "slow alone"
    till.gates["slower"].set()
    assert slower.result() == "slower alone"
    assert till.runs == ["slow", "slower", "a"]
    assert till.is_idle()


def test_who_loses_patience_leads_all_that_wait(till: Till, first: Thread) -> None:
    waiting = [till.comes(item) for item in "ab"]
    till.gathering._patience_seconds = 0
    waiting.append(till.comes("c"))
    assert [thread.result() for thread in waiting] == ["a of 3", "b of 3", "c of 3"]
    assert first.is_alive()
    assert till.is_idle()  # A thread that comes now leads: the slow leader no longer does.
    till.gates["first"].set()
    assert first.result() == "first alone"
    assert till.is_idle()


def test_a_slow_leader_that_ends_leaves_the_others_to_the_leader_after_it(
    till: Till, first: Thread
) -> None:
    till.gates["second"] = threading.Event()
    till.gathering._patience_seconds = 0
    second = till.comes("second")
    till.gathering._patience_seconds = FOR_EVER
    waiting = [till.comes(item) for item in "ab"]
    till.gates["first"].set()
    first.result()
    assert len(till.gathering._queue) == 2
    assert till.gathering._leader is not till.gathering._queue[0]
    till.gates["second"].set()
    assert second.result() == "second alone"
    assert [thread.result() for thread in waiting] == ["a of 2", "b of 2"]
    assert till.is_idle()


def test_who_loses_patience_beyond_the_bound_of_a_group_runs_too(till: Till, first: Thread) -> None:
    till.gathering._most = 2
    waiting = [till.comes(item) for item in "abc"]
    till.gathering._patience_seconds = 0
    assert till.comes("d").result() == "d of 2"
    # b and c wait on; the end of that group has made b the leader.
    assert [thread.result() for thread in waiting] == ["a of 2", "b of 2", "c of 2"]
    assert till.is_idle()


def test_an_outcome_that_does_not_come_is_not_waited_for_for_ever(
    till: Till, first: Thread
) -> None:
    till.gates["a"] = threading.Event()
    till.gathering._bound_seconds = 0.0
    waiting = [till.comes(item) for item in "ab"]
    place = till.gathering._queue[1]
    till.gates["first"].set()
    assert until(lambda: place.is_taken)
    place.wake.set()  # It wakes, as at the end of its patience.
    with pytest.raises(NoAnswer):
        waiting[1].result()
    till.gates["a"].set()
    assert waiting[0].result() == "a of 2"
    assert till.is_idle()


def test_who_stops_waiting_is_not_run(
    till: Till, first: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = threading.Event.wait
    stop = threading.Event()

    def interrupted(event: threading.Event, timeout: float | None = None) -> bool:
        if threading.current_thread() is stopped._thread:
            wait(stop)
            raise Died
        return wait(event, timeout)

    stopped = Thread(partial(till.gathering.run, "stopped"))
    monkeypatch.setattr(threading.Event, "wait", interrupted)
    stopped.start()
    assert until(lambda: len(till.gathering._queue) == 1)
    others = [till.comes(item) for item in "ab"]
    stop.set()
    with pytest.raises(Died):
        stopped.result()
    till.gates["first"].set()
    assert [thread.result() for thread in others] == ["a of 2", "b of 2"]
    assert till.is_idle()


def test_a_crowd_runs_each_item_once() -> None:
    """Real threads, leaders of whom others lose patience, and groups that fall apart."""
    random = Random(7)  # noqa: S311
    done: Counter[str] = Counter()
    lock = threading.Lock()

    def together(items: Sequence[str]) -> Sequence[Any]:
        if random.random() < 0.2:
            return [ALONE] * len(items)
        with lock:
            done.update(items)
        return [f"{item} of {len(items)}" for item in items]

    def alone(item: str) -> str:
        with lock:
            done[item] += 1
        return f"{item} alone"

    gathering = Gathering(alone, together, most=5, patience_seconds=0.0005)

    def customer(name: str) -> None:
        for number in range(100):
            item = f"{name}-{number}"
            assert gathering.run(item).startswith(f"{item} ")

    at_once([partial(customer, str(number)) for number in range(8)])
    assert len(done) == 800
    assert set(done.values()) == {1}
    assert (gathering._leader, gathering._queue) == (None, [])
