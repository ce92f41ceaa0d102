"""The bank as its clients meet it: HTTP requests to gunicorn, with a token, from many threads.

A connection for each request, as gunicorn's synchronous workers give it. Bare sockets, because the
server shares the machine: a request costs this side a fraction of what http.client takes.
"""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.jobs.choices import Choice
from benchmarks.measure import WARM_UP_SHARE, Calls, Moved, Slice
from benchmarks.target import Target

_TIMEOUT_SECONDS = 60
_OK = b"HTTP/1.1 200 "


def transfers(target: Target, seconds: float, *, clients: int, hot: bool = False) -> Slice:
    """Each client sends one transfer after another, and waits for each answer.

    Between random accounts, or, `hot`, from random ones to the same account.
    """
    senders = [_Client(target, hot=hot) for _ in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda sender: sender.send_for(seconds * WARM_UP_SHARE), senders))
        cpu, started = time.process_time(), time.perf_counter()
        timed = list(pool.map(lambda sender: sender.send_for(seconds), senders))
        elapsed = time.perf_counter() - started
        cpu_seconds = time.process_time() - cpu
    latencies = [latency for calls in timed for latency in calls.latencies]
    return Slice(
        transactions=len(latencies),
        latencies=latencies,
        seconds=elapsed,
        moved=Moved(sum(sender.sent for sender in senders)),
        cpu_share=cpu_seconds / elapsed,
    )


class _Client:
    def __init__(self, target: Target, *, hot: bool) -> None:
        self.sent = 0
        self._choice = Choice(target)
        self._address = ("127.0.0.1", target.port)
        self._credentials = f"Authorization: Bearer {target.token}"
        self._hot_account = target.account_ids[0] if hot else None

    def send_for(self, seconds: float) -> Calls:
        """Sends until the time is over, and waits for the last answer."""
        calls = Calls()
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            calls.add(self._send, self._transfer())
        return calls

    def _transfer(self) -> bytes:
        source, other = self._choice.pair()
        if self._hot_account:
            # The pair is two accounts: one of them at least is not the hot one.
            source, other = (other if source == self._hot_account else source), self._hot_account
        cents = self._choice.cents()
        return self._request(
            f"/api/v1/accounts/{source}/transfer/",
            target_account_id=str(other),
            amount=f"{cents // 100}.{cents % 100:02}",
        )

    def _request(self, path: str, **body: str) -> bytes:
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1",
            "Host: 127.0.0.1",
            self._credentials,
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            "Connection: close",
        )
        return "\r\n".join([*head, "", ""]).encode() + content

    def _send(self, request: bytes) -> Moved:
        with socket.create_connection(self._address, timeout=_TIMEOUT_SECONDS) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        if not answer.startswith(_OK):
            raise RuntimeError(f"The bank answered:\n{answer.decode(errors='replace')}")
        self.sent += 1
        return Moved(1)
