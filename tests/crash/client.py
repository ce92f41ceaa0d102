"""A careful client for crashes: one key per request, repeated until the response is definite."""

import http.client
import json
import threading
import time
from dataclasses import dataclass
from random import Random

from tests.concurrency.client import API
from tests.concurrency.tally import Tally
from tests.http import Answer, ask

TIMEOUT_SECONDS = 20
PATIENCE_SECONDS = 300


class AnswerLost(Exception):
    """The connection was refused or broke off, so the outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST that moves money; `queued` asks for an asynchronous response."""

    path: str
    body: dict[str, str]
    key: str
    queued: bool = False


def send(port: int, token: str, request: Request) -> Answer:
    """A single attempt. Raises AnswerLost."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": request.key}
    if request.queued:
        headers["Prefer"] = "respond-async"
    url = f"http://127.0.0.1:{port}{API}{request.path}"
    try:
        answer = ask("POST", url, request.body, headers, timeout_seconds=TIMEOUT_SECONDS)
        json.loads(answer.text)
    except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
        raise AnswerLost from error
    return answer


def settle(
    port: int,
    token: str,
    request: Request,
    *,
    random: Random,
    tally: Tally,
    abandoned: threading.Event | None = None,
) -> Answer:
    """The definite response: a success, or a stored refusal.

    Asserts that every other response allows the client to repeat the request.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    in_doubt = False
    while time.monotonic() < deadline and not (abandoned and abandoned.is_set()):
        try:
            answer = send(port, token, request)
        except AnswerLost:
            in_doubt = True
            tally.add("answers lost")
        else:
            if answer.status < 500:
                assert answer.status in (200, 202) or answer.body.get("transaction_id"), answer
                if in_doubt:
                    done = "done" if answer.replayed else "not done"
                    tally.add(f"unknown outcomes settled by key: {done}")
                return answer
            assert answer.status == 503, answer
            # The key makes a repeat of an unknown outcome safe. Every other error must be retryable
            # itself.
            assert answer.code == "outcome_unknown" or answer.body["retryable"], answer
            assert answer.code != "busy" or int(answer.headers["Retry-After"]) >= 1, answer
            in_doubt |= answer.code == "outcome_unknown"
            tally.add(f"answers {answer.code}")
        time.sleep(0.05 + 0.2 * random.random())
    raise AssertionError(f"No definite answer to {request}")
