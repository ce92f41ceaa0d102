"""`python -m benchmarks.sending`: what one webhook of all events costs the single path.

    python -m benchmarks.sending                                  twenty rounds, about six minutes
    python -m benchmarks.sending --rounds 1 --seconds 0.5 --accounts 50         does it still work?

Starts a PostgreSQL of its own, and removes it. A worker runs all the time, and so does a receiver
that answers at once. Each round measures single transfers without a webhook, with one, with one,
and without, so a change in the machine's speed affects both alike. The goal, at most 15 % less,
stands beside the ratio. Exits with 0, even if it is missed; with 1 if the verifier found something.
"""

import argparse
import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

from benchmarks.banks import SERVER_SETTINGS, Bank, new_banks
from benchmarks.cases import HUNDRED_THOUSAND, Case
from benchmarks.lines import tell
from benchmarks.plan import Plan
from tests.postgresql import PostgresqlServer, postgresql_server

_CASE = Case("sending", "the price of a webhook", "sending.measured", bank=HUNDRED_THOUSAND)
_TURNS = (False, True, True, False)
_END_OF_HEADERS = b"\r\n\r\n"

# The rate of transfers, and what goes with it in a second.
Turn = dict[str, float]


def main() -> int:
    options = _options()
    os.environ["BANK_WEBHOOKS_REACH_PRIVATE"] = "true"
    plan = Plan(stored={}, accounts=options.accounts)
    with (
        _receiver() as url,
        postgresql_server(settings=SERVER_SETTINGS) as server,
        new_banks(server, [_CASE], plan, tell) as banks,
    ):
        bank = banks[_CASE.bank]
        bank.call("sending.start_worker")
        try:
            turns = _rounds(bank, server, url, options)
        finally:
            bank.call("sending.stop_worker")
        _show(turns)
        findings = bank.findings()
    tell("\n".join(findings) or "the books are right")
    return 1 if findings else 0


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sending")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--accounts", type=int, default=1000)
    return parser.parse_args()


def _rounds(bank: Bank, server: PostgresqlServer, url: str, options: Any) -> dict[bool, list[Turn]]:
    """What each turn had, by whether the webhook was there."""
    turns: dict[bool, list[Turn]] = {False: [], True: []}
    for number in range(1, options.rounds + 1):
        for has_webhook in _TURNS:
            if has_webhook:
                bank.call("sending.listen", url=url)
            received = time.process_time()
            found, used = bank.call(
                "sending.measured", seconds=options.seconds, database_pid=server.pid
            )
            received = time.process_time() - received
            used["receiver"] = received / used.pop("took")
            turns[has_webhook].append({"rate": found.rate, **used})
            if has_webhook:
                bank.call("sending.listen_no_more")
        tell(f"round {number}: {median(_ratios(turns)):.2f} so far")
    return turns


def _ratios(turns: dict[bool, list[Turn]]) -> list[float]:
    pairs = zip(turns[True], turns[False], strict=True)
    return [with_one["rate"] / without["rate"] for with_one, without in pairs]


def _show(turns: dict[bool, list[Turn]]) -> None:
    for has_webhook, words in ((False, "without a webhook"), (True, "with one")):
        middle = {
            name: median(turn[name] for turn in turns[has_webhook]) for name in turns[True][0]
        }
        tell(
            f"{words}: {middle['rate']:.0f} transfers/s, {middle['delivered']:.0f} messages/s;"
            f" processors in use: commands {middle['commands']:.2f}, worker {middle['worker']:.2f},"
            f" PostgreSQL {middle['database']:.2f}, receiver {middle['receiver']:.2f}"
        )
    ratios = _ratios(turns)
    lower, _, upper = quantiles(ratios, n=4)
    tell(
        f"with one over without: {median(ratios):.2f} (quartiles {lower:.2f} and {upper:.2f};"
        " goal 0.85)"
    )


class _Answering(asyncio.Protocol):
    """Takes requests with a Content-Length on a connection, and answers each with 204."""

    def __init__(self) -> None:
        self._got = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(_END_OF_HEADERS)) >= 0:
            headers = self._got[:end].lower()
            _, _, rest = headers.partition(b"content-length:")
            whole = end + len(_END_OF_HEADERS) + int(rest.partition(b"\r\n")[0])
            if len(self._got) < whole:
                return
            self._got = self._got[whole:]
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


@contextmanager
def _receiver() -> Iterator[str]:
    """Runs in a thread of this process, which only waits meanwhile. Yields its URL."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(_Answering, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
