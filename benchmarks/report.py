"""What a run found: a dictionary for JSON, and tables in Markdown for people."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.cases import Case
from benchmarks.goals import Ratio, ratios
from benchmarks.measure import Slice, percentile

# A job that keeps a core this busy may be what limits the figure, where it only generates load.
BUSY_CLIENT = 0.5


def results(cases: Sequence[Case], slices: Mapping[str, Sequence[Slice]]) -> dict[str, Any]:
    """Figures of each case that was measured, and the ratios between them."""
    rates = {name: [measured.rate for measured in found] for name, found in slices.items()}
    return {
        "cases": [_figures(case, slices[case.name]) for case in cases if case.name in slices],
        "ratios": [_as_json(ratio) for ratio in ratios(rates)],
    }


def _figures(case: Case, slices: Sequence[Slice]) -> dict[str, Any]:
    """The rate is the median of the rounds; latencies are those of all calls of all rounds."""
    rates = [measured.rate for measured in slices]
    latencies = [latency * 1000 for measured in slices for latency in measured.latencies]
    shares = [measured.cpu_share for measured in slices if measured.cpu_share is not None]
    return {
        "name": case.name,
        "title": case.title,
        "bank": case.bank,
        "group": case.group,
        "uses_http": case.uses_http,
        "per_second": round(median(rates), 1),
        "per_second_by_round": [round(rate, 1) for rate in rates],
        "transactions": sum(measured.transactions for measured in slices),
        "calls": len(latencies),
        "p50_milliseconds": round(percentile(latencies, 50), 3),
        "p99_milliseconds": round(percentile(latencies, 99), 3),
        "max_milliseconds": round(max(latencies), 3),
        "cpu_share": round(median(shares), 3) if shares else None,
    }


def _as_json(ratio: Ratio) -> dict[str, Any]:
    return {
        "of": ratio.goal.of,
        "to": ratio.goal.to,
        "value": round(ratio.value, 3),
        "at_least": ratio.goal.at_least,
        "met": ratio.is_met,
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    """The figures and the ratios, as two tables."""
    figures = [
        (
            case["name"],
            f"{case['title']} ({case['bank']})",
            f"{case['per_second']:,.0f}",
            f"{case['p50_milliseconds']:.2f}",
            f"{case['p99_milliseconds']:.2f}",
            f"{case['max_milliseconds']:.1f}",
            "" if case["cpu_share"] is None else f"{case['cpu_share']:.0%}",
        )
        for case in found["cases"]
    ]
    heads = ("case", "what", "per second", "p50 ms", "p99 ms", "max ms", "own CPU")
    goals = [
        (
            f"{ratio['of']} / {ratio['to']}",
            f"{ratio['value']:.2f}",
            "" if ratio["at_least"] is None else f"{ratio['at_least']:g}",
            {True: "met", False: "NOT MET", None: ""}[ratio["met"]],
        )
        for ratio in found["ratios"]
    ]
    tables = _table(heads, figures)
    if goals:
        tables += ["", *_table(("ratio", "value", "at least", ""), goals)]
    return tables + _warnings(found["cases"])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    every = [heads, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(heads))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in every]
    padded.insert(1, ["-" * width for width in widths])
    return [f"| {' | '.join(row)} |" for row in padded]


def _warnings(cases: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of HTTP cases whose client took a good part of the machine from the server."""
    return [
        f"WARNING {case['name']}: the client kept a core {case['cpu_share']:.0%} busy."
        for case in cases
        if case["uses_http"] and case["cpu_share"] > BUSY_CLIENT
    ]
