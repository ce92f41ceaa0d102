"""Customers who move money until they are told to stop, and what they were promised."""

import threading
from dataclasses import dataclass, field
from random import Random

from tests.concurrency.crowd import Thread
from tests.concurrency.tally import Tally
from tests.crash.client import Request, settle
from tests.http import Answer

# They cannot afford some of their requests: a refusal is a promise too.
LARGEST_CENTS = 20_000
QUEUED_PERCENT = 60


@dataclass(slots=True)
class Load:
    """As many customers at once as there are `seeds`, each with chance of its own.

    `promises` is what each request was answered in the end, by its key.
    """

    port: int
    token: str
    account_ids: list[str]
    tally: Tally
    promises: dict[str, tuple[Request, Answer]] = field(default_factory=dict)
    _finished: threading.Event = field(default_factory=threading.Event)
    _abandoned: threading.Event = field(default_factory=threading.Event)
    _threads: list[Thread] = field(default_factory=list)

    def start(self, seeds: list[int]) -> None:
        """Each seed is a customer."""
        self._threads = [Thread(lambda seed=seed: self._run(seed)).start() for seed in seeds]

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Waits until each customer has its last answer, and raises what any of them met.

        When the test has failed already there may be no answer any more.
        """
        self._finished.set()
        if kind is not None:
            self._abandoned.set()
            return
        for thread in self._threads:
            thread.result()

    def check(self) -> None:
        """Fails as soon as a customer has: chaos need not go on then."""
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

    def _some_request(self, random: Random, key: str) -> Request:
        source, target = random.sample(self.account_ids, 2)
        cents = random.randint(1, LARGEST_CENTS)
        body = {"amount": f"{cents // 100}.{cents % 100:02}"}
        verb = random.choice(["transfer", "transfer", "transfer", "deposit", "withdraw"])
        if verb == "transfer":
            body["target_account_id"] = target
        queued = random.randrange(100) < QUEUED_PERCENT
        return Request(f"accounts/{source}/{verb}/", body, key, queued)
