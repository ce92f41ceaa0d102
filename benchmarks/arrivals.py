"""`python -m benchmarks.arrivals`: latencies at a fixed rate of requests, up to more than fits.

    python -m benchmarks.arrivals                            two minutes for each kind of load
    python -m benchmarks.arrivals --picture docs/images/arrivals.svg     draws the latencies as well
    python -m benchmarks.arrivals --accounts 50 --seconds 1              does it still work?

Starts a PostgreSQL of its own, and removes it. First 64 clients that wait for each response tell
the capacity. Then requests arrive at shares of it, at random moments, whether the bank keeps up or
not: transfers, deposits, withdrawals, accounts and histories. Few accounts get most of the load, by
the law of Zipf. At the end the verifier reads the books. Exits with 0; with 1 if the verifier found
something.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import curves
from benchmarks.banks import SERVER_SETTINGS, Bank, new_banks
from benchmarks.cases import Case
from benchmarks.jobs.arrivals import Arrivals
from benchmarks.jobs.choices import STEEP, ZIPF
from benchmarks.lines import tell
from benchmarks.measure import percentile
from benchmarks.plan import Plan
from tests.postgresql import postgresql_server

SKEWS = {ZIPF: "Zipf, s = 1", STEEP: "Zipf, s = 2"}
SHARES = (25, 50, 75, 90, 110, 150, 200)
CLIENTS = 64
PERCENTS = (50, 99, 99.9)
_HEAD = (
    "| percent of capacity | arrivals/s | accepted/s | p50, ms | p99, ms | p99.9, ms | busy, % |"
    " p99 of busy, ms | dropped | sent late by, ms |"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One run, in milliseconds and in a second. `None` where nothing was accepted or refused."""

    share: int
    rate: float
    accepted: float
    latencies: tuple[float | None, ...]
    busy_percent: float
    busy_latency: float | None
    dropped: int
    lag: float


def main() -> int:
    options = _options()
    cases = {skew: _case(skew, "arrivals.arrivals") for skew in SKEWS}
    with (
        postgresql_server(settings=SERVER_SETTINGS) as server,
        new_banks(server, [*cases.values()], Plan(accounts=options.accounts), tell) as banks,
    ):
        (bank,) = banks.values()
        found = {title: _lines(bank, skew, options.seconds) for skew, title in SKEWS.items()}
        if options.picture:
            options.picture.write_text(curves.drawn(_points(found)))
        findings = bank.findings()
    tell("\n".join(findings) or "the books are right")
    return 1 if findings else 0


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.arrivals")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--picture", type=Path)
    return parser.parse_args()


def _case(skew: str, job: str, **options: Any) -> Case:
    return Case(f"arrivals.{skew}", "requests at a fixed rate", job, {"skew": skew, **options})


def _lines(bank: Bank, skew: str, seconds: float) -> list[Line]:
    capacity = bank.run(_case(skew, "arrivals.capacity", clients=CLIENTS), seconds)
    tell(f"\n{SKEWS[skew]}: {CLIENTS} clients get {capacity:.0f} responses/s\n\n{_HEAD}")
    tell("|" + "---|" * _HEAD.count(" |"))
    lines = []
    for share in SHARES:
        rate = capacity * share / 100
        lines.append(
            _line(share, rate, bank.run(_case(skew, "arrivals.arrivals", rate=rate), seconds))
        )
        tell(_shown(lines[-1]))
    return lines


def _line(share: int, rate: float, run: Arrivals) -> Line:
    asked = len(run.latencies) + len(run.refusals) + run.dropped
    return Line(
        share=share,
        rate=rate,
        accepted=len(run.latencies) / run.seconds,
        latencies=tuple(_milliseconds(run.latencies, percent) for percent in PERCENTS),
        busy_percent=100 * len(run.refusals) / max(asked, 1),
        busy_latency=_milliseconds(run.refusals, 99),
        dropped=run.dropped,
        lag=run.lag * 1000,
    )


def _milliseconds(seconds: Sequence[float], percent: float) -> float | None:
    return percentile(seconds, percent) * 1000 if seconds else None


def _shown(line: Line) -> str:
    values = [
        str(line.share),
        f"{line.rate:.0f}",
        f"{line.accepted:.0f}",
        *map(_or_dash, line.latencies),
        f"{line.busy_percent:.1f}",
        _or_dash(line.busy_latency),
        str(line.dropped),
        f"{line.lag:.0f}",
    ]
    return f"| {' | '.join(values)} |"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _points(found: dict[str, list[Line]]) -> dict[str, list[tuple[float, float]]]:
    """The curves of the picture: percent of capacity, and milliseconds."""
    return {
        f"{title}, p{percent:g}": [
            (line.share, value) for line in lines if (value := line.latencies[place]) is not None
        ]
        for title, lines in found.items()
        for place, percent in enumerate(PERCENTS)
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
