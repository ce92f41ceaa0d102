"""A careful client of the API: one key per request, sent again if the outcome is unknown."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tests.concurrency.tally import Tally
from tests.http import Answer, ask, sent

API = "/api/v1/"
# Responses under contention. They do not last, because the bank's attempts are bounded.
BUSY = (429, 503)
ATTEMPTS = 60
LONGEST_WAIT_SECONDS = 0.2


@dataclass(slots=True)
class Client:
    """Talks to one server with one token. Thread-safe: each request has its own socket."""

    port: int
    token: str
    tally: Tally = field(default_factory=Tally)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        hang_up: bool = False,
    ) -> Answer | None:
        """Sends one request; returns its response. With `hang_up` it disconnects before that: None.

        Asserts that the response is none that a client must never see.
        """
        url = f"http://127.0.0.1:{self.port}{API}{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        if hang_up:
            with sent(method, url, body, headers):
                return None
        answer = ask(method, url, body, headers)
        assert answer.status < 500 or answer.code == "busy", answer
        return answer

    def settled(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        hang_up: bool = False,
    ) -> Answer:
        """Repeats the request, with the same key, until the outcome is known.

        With `hang_up` the first response is lost.
        """
        assert key or method == "GET", "Without a key a lost answer could not be found again."
        if hang_up:
            self.send(method, path, body, key=key, hang_up=True)
            self.tally.add("unknowns resolved")
        for _ in range(ATTEMPTS):
            answer = self.send(method, path, body, key=key)
            assert answer is not None
            if answer.status not in BUSY:
                return answer
            assert int(answer.headers["retry-after"]) >= 1
            self.tally.add("answers busy")
            time.sleep(LONGEST_WAIT_SECONDS * Random().random())  # noqa: S311
        raise AssertionError(f"{method} {path} stayed busy: {answer.body}")

    def get(self, path: str) -> dict[str, Any]:
        answer = self.settled("GET", path)
        assert answer.status == 200, answer
        return answer.body

    def post(self, path: str, body: Any, *, key: str | None = None) -> Answer:
        """A single attempt, for tests of the first response."""
        answer = self.send("POST", path, body, key=key)
        assert answer is not None
        return answer

    def pages(self, path: str, *, page_size: int) -> Iterator[list[dict[str, Any]]]:
        """A list page by page, to its end."""
        page = self.get(f"{path}{'&' if '?' in path else '?'}page_size={page_size}")
        yield page["results"]
        while page["next"]:
            following = urlsplit(page["next"])
            page = self.get(f"{following.path.removeprefix(API)}?{following.query}")
            yield page["results"]

    def walk(self, path: str) -> Iterator[dict[str, Any]]:
        """All items of a list."""
        return chain.from_iterable(self.pages(path, page_size=200))
