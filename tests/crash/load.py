"""Customers who move money until they are stopped, and the promises that they were given."""

import threading
import time
from dataclasses import dataclass, field
from random import Random

from tests.concurrency.crowd import Thread
from tests.concurrency.tally import Tally
from tests.crash.client import Request, settle
from tests.http import Answer

# The accounts cannot pay some of the requests: a refusal is a promise too.
LARGEST_CENTS = 20_000
QUEUED_PERCENT = 60


@dataclass(slots=True)
class Load:
    """Concurrent customers, one for each seed, with separate random generators.

    `promises` has each request with its definite response, by key; `answered_at` has their times
    (`time.monotonic`).
    """

    port: int
    token: str
    account_ids: list[str]
    tally: Tally
    promises: dict[str, tuple[Request, Answer]] = field(default_factory=dict)
    pause_seconds: float = 0  # of each customer between two requests
    answered_at: list[float] = field(default_factory=list)
    _finished: threading.Event = field(default_factory=threading.Event)
    _abandoned: threading.Event = field(default_factory=threading.Event)
    _threads: list[Thread] = field(default_factory=list)

    def start(self, seeds: list[int]) -> None:
        """Starts a customer for each seed."""
        self._threads = [Thread(lambda seed=seed: self._run(seed)).start() for seed in seeds]

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Waits for the last response of each customer, and raises the first error of any.

        If the test has already failed, there may never be one, so it does not wait.
        """
        self._finished.set()
        if kind is not None:
            self._abandoned.set()
            return
        for thread in self._threads:
            thread.result()

    def check(self) -> None:
        """Fails as soon as a customer has failed, so that the test ends early."""
        assert all(thread.is_alive() for thread in self._threads) or self._finished.is_set(), [
            thread.result() for thread in self._threads if not thread.is_alive()
        ]

    def _run(self, seed: int) -> None:
        random = Random(seed)  # noqa: S311 - chance that can be repeated
        number = 0
        while not self._finished.is_set():
            number += 1
            request = self._some_request(random, f"{seed}-{number}")
            answer = settle(
                self.port,
                self.token,
                request,
                random=random,
                tally=self.tally,
                abandoned=self._abandoned,
            )
            self.promises[request.key] = (request, answer)
            self.answered_at.append(time.monotonic())
            time.sleep(self.pause_seconds)

    def _some_request(self, random: Random, key: str) -> Request:
        source, target = random.sample(self.account_ids, 2)
        cents = random.randint(1, LARGEST_CENTS)
        body = {"amount": f"{cents // 100}.{cents % 100:02}"}
        verb = random.choice(["transfer", "transfer", "transfer", "deposit", "withdraw"])
        if verb == "transfer":
            body["target_account_id"] = target
        queued = random.randrange(100) < QUEUED_PERCENT
        return Request(f"accounts/{source}/{verb}/", body, key, queued)
