"""Items of many threads, run together by one of them: the leader.

A thread that comes while nobody leads becomes the leader and runs its item alone, at once. Threads
that come meanwhile wait. When the leader has finished, the longest waiter leads all that wait: the
group. So a lone item gathers nothing and waits for nothing, and the more threads come, the larger
the groups.
"""

import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, Generic, Literal, TypeVar, Union

from django.db import OperationalError


class _Alone(Enum):
    ALONE = "alone"


# The outcome of an item that its own thread must run alone. Nothing was done for it.
ALONE: Final = _Alone.ALONE
Alone = Literal[_Alone.ALONE]

# The most items of a group.
MOST = 64
# Nobody waits longer for a leader, who may be waiting for a lock. Then the waiter leads.
PATIENCE_SECONDS = 0.05
# Nobody waits longer for an outcome: it exceeds the time-outs of a statement.
BOUND_SECONDS = 40.0

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")

# A result, an exception to raise, or ALONE.
Outcome = Union[R, Exception, Alone]  # noqa: UP007 - generic


class NoAnswer(OperationalError):
    """The leader gave no outcome. Whether the item was run is unknown, as after a lost COMMIT."""


class _Place(Generic[I, R]):
    """A waiting item. It is queued; then taken, by exactly one leader; then it has its outcome."""

    __slots__ = ("is_taken", "item", "outcome", "wake")

    def __init__(self, item: I) -> None:
        self.item = item
        self.is_taken = False
        self.outcome: Outcome[R] | None = None
        self.wake = threading.Event()


class Gathering(Generic[I, R]):
    """Runs each item once: by `run_alone`, or with others by `run_together`.

    `run_together` returns an outcome for each item, in order. If it raises, its own thread raises
    the same, and the others NoAnswer. So it must return ALONE where it knows that nothing was done.
    No result is None or an exception.
    """

    def __init__(
        self,
        run_alone: Callable[[I], R],
        run_together: Callable[[Sequence[I]], Sequence[Outcome[R]]],
        *,
        most: int = MOST,
        patience_seconds: float = PATIENCE_SECONDS,
        bound_seconds: float = BOUND_SECONDS,
    ) -> None:
        self._run_alone = run_alone
        self._run_together = run_together
        self._most = most
        self._patience_seconds = patience_seconds
        self._bound_seconds = bound_seconds
        # The lock guards all of the state below and in the places.
        self._lock = threading.Lock()
        self._queue: list[_Place[I, R]] = []
        # The latest leader, or the place that leads next. Earlier ones may still run.
        self._leader: object | None = None

    def run(self, item: I) -> R:
        """Returns the result of this item, or raises its exception.

        Waits at most `patience_seconds` before it is run. Raises NoAnswer if its leader fails, or
        gives no outcome within `bound_seconds`.
        """
        me = object()
        with self._lock:
            is_first = self._leader is None
            if is_first:
                self._leader = me
            else:
                place = _Place[I, R](item)
                self._queue.append(place)
        if not is_first:
            return self._wait(place)
        try:
            return self._run_alone(item)
        finally:
            with self._lock:
                self._hand_over(me)

    def _wait(self, place: _Place[I, R]) -> R:
        """Waits until the place has its outcome or leads; returns the result."""
        began = time.monotonic()
        until, bound = began + self._patience_seconds, began + self._bound_seconds
        try:
            while (group := self._next_step(place, until)) is None:
                if time.monotonic() >= bound:
                    raise NoAnswer("The leader gave no outcome in time.")
                until = bound
        except BaseException:
            self._leave(place)
            raise
        return self._lead(place, group) if group else self._settle(place)

    def _next_step(self, place: _Place[I, R], until: float) -> list[_Place[I, R]] | None:
        """Waits for news. Returns the group to lead; none if there is an outcome; None to wait on.

        A thread that wakes while it is in the queue leads: it was told to, or lost its patience.
        """
        place.wake.wait(max(0.0, until - time.monotonic()))
        with self._lock:
            place.wake.clear()
            if place.outcome is not None:
                return []
            return None if place.is_taken else self._take(place)

    def _take(self, leader: _Place[I, R]) -> list[_Place[I, R]]:
        """Takes the group of this leader from the queue, the longest waiters first."""
        group = self._queue[: self._most]
        if leader not in group:
            group[-1] = leader
        for place in group:
            place.is_taken = True
        self._queue = [place for place in self._queue if not place.is_taken]
        self._leader = leader
        return group

    def _lead(self, leader: _Place[I, R], group: Sequence[_Place[I, R]]) -> R:
        outcomes: Sequence[Outcome[R]] = ()
        try:
            if len(group) == 1:
                return self._run_alone(leader.item)
            outcomes = self._run_together([place.item for place in group])
        finally:
            if len(outcomes) != len(group):
                outcomes = [NoAnswer("The leader failed.") for _ in group]
            with self._lock:
                for place, outcome in zip(group, outcomes, strict=True):
                    place.outcome = outcome
                    place.wake.set()
                self._hand_over(leader)
        return self._settle(leader)

    def _hand_over(self, leader: object) -> None:
        """Makes the longest waiter the next leader. The caller holds the lock.

        A leader of whom somebody lost patience has nothing to hand over.
        """
        if self._leader is leader:
            self._leader = self._queue[0] if self._queue else None
            if self._queue:
                self._queue[0].wake.set()

    def _leave(self, place: _Place[I, R]) -> None:
        """Leaves the queue: the waiting thread ends by an exception. A taken place stays taken."""
        with self._lock:
            if not place.is_taken:
                self._queue.remove(place)
                self._hand_over(place)

    def _settle(self, place: _Place[I, R]) -> R:
        outcome = place.outcome
        assert outcome is not None
        if outcome is ALONE:
            return self._run_alone(place.item)
        if not isinstance(outcome, Exception):
            return outcome
        try:
            raise outcome
        finally:
            # The exception refers to this frame.
            del outcome, place
