"""A run's JSON as tables in Markdown, for people."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.goals import RATE, SERVER_TIME

# A client that keeps a core this busy may itself limit the figure.
BUSY_CLIENT = 0.5
# A smaller table or index is not worth a line.
SHOWN_BYTES = 1_000_000

_MET = {True: "met", False: "NOT MET", None: ""}
_FIGURES = {
    "web_growth_megabytes": "growth of a web process over idle, MB",
    "p99_milliseconds": "p99, ms",
    "peak_megabytes": "memory, MB",
}


def lines(found: Mapping[str, Any]) -> list[str]:
    """All figures, ratios and limits of a run."""
    parts = [
        rates(found),
        processor_times(found),
        ratios(found),
        processor_ratios(found),
        limits(found),
        sizes(found),
        _warnings(found),
    ]
    return [line for part in parts if part for line in ["", *part]][1:]


def rates(found: Mapping[str, Any]) -> list[str]:
    """Each case with its rate and latencies."""
    heads = ("case", "what", "per second", "p50 ms", "p99 ms", "max ms", "own CPU")
    rows = [
        (
            case["name"],
            case["title"],
            f"{case['per_second']:,.0f}",
            f"{case['p50_milliseconds']:.2f}",
            f"{case['p99_milliseconds']:.2f}",
            f"{case['max_milliseconds']:.1f}",
            "" if case["cpu_share"] is None else f"{case['cpu_share']:.0%}",
        )
        for case in found["cases"]
    ]
    return table(heads, rows)


def processor_times(found: Mapping[str, Any]) -> list[str]:
    """The processor time of a request in each case over HTTP."""
    heads = ("processor time of a request", "server ms", "PostgreSQL ms")
    rows = [
        (case["name"], f"{case[SERVER_TIME]:.2f}", f"{case['database_milliseconds']:.2f}")
        for case in found["cases"]
        if case.get(SERVER_TIME) is not None
    ]
    return table(heads, rows)


def ratios(found: Mapping[str, Any]) -> list[str]:
    """The goals for rates by the names of their cases."""
    return table(("ratio", "value", "at least", ""), _ratios(found, RATE, "at_least"))


def processor_ratios(found: Mapping[str, Any]) -> list[str]:
    """The goals for the server's processor time of a request."""
    heads = ("processor time of the server, ratio", "value", "at most", "")
    return table(heads, _ratios(found, SERVER_TIME, "at_most"))


def headline(found: Mapping[str, Any]) -> list[str]:
    """The speed as one list item, for readers who do not know the cases."""
    rate = {case["name"]: f"{case['per_second']:,.0f}" for case in found["cases"]}
    ratio = {
        (ratio["of"], ratio["to"]): f"{ratio['value']:.2f}"
        for ratio in found["ratios"]
        if ratio.get("figure", RATE) == RATE
    }
    text = (
        f"- **Fast, and measured.** {rate['single.transfer']} transfers a second one by one,"
        f" {rate['list.5000']} in batches of 5,000, each commit on disk, on"
        f" {found['machine']['cores']} cores. A batch reaches {ratio['list.5000', 'copy.5000']} of"
        " the rate of PostgreSQL's bare COPY. With a million transactions"
        f" stored, {ratio['1m.single.transfer', 'single.transfer']} of the first rate remains"
        " ([how it is measured](docs/performance.md))."
    )
    return textwrap.wrap(text, 100, subsequent_indent="  ", break_on_hyphens=False)


def limits(found: Mapping[str, Any]) -> list[str]:
    titles = {case["name"]: f"{case['title']}: " for case in found["cases"]} | {None: ""}
    rows = [
        (
            titles[limit["of"]] + _FIGURES[limit["figure"]],
            f"{limit['value']:.0f}",
            f"{limit['at_most']:g}",
            _MET[limit["met"]],
        )
        for limit in found["limits"]
    ]
    return table(("limit", "value", "at most", ""), rows)


def conditions(found: Mapping[str, Any]) -> str:
    """The main facts about the machine in one sentence."""
    machine, versions = found["machine"], found["versions"]
    return (
        f"{found['at'][:10]}, commit {versions['commit']}: {machine['cores']} cores of"
        f" {machine['processor']}, load average {machine['load_average_before']} before,"
        f" {machine['filesystem']}, an fsync of {machine['sync_milliseconds']:.1f} ms,"
        f" PostgreSQL {versions['PostgreSQL']}, SQLite {versions['SQLite']},"
        f" Python {versions['Python']}. {found['plan']['rounds']} rounds in"
        f" {found['seconds'] / 60:.0f} minutes."
    )


def sizes(found: Mapping[str, Any]) -> list[str]:
    """What the rows of the large bank's tables and of their indexes take."""
    rows = [
        (
            one["name"],
            f"{one['rows']:,}",
            f"{one['bytes'] / 1e6:,.1f}",
            f"{one['bytes'] / one['rows']:.1f}",
        )
        for one in found.get("sizes", [])
        if one["rows"] and one["bytes"] >= SHOWN_BYTES
    ]
    return table(("table or index", "rows of the table", "MB", "bytes a row"), rows)


def _ratios(found: Mapping[str, Any], figure: str, bound: str) -> list[tuple[str, ...]]:
    return [
        (
            f"{ratio['of']} / {ratio['to']}",
            f"{ratio['value']:.2f}",
            "" if ratio[bound] is None else f"{ratio[bound]:g}",
            _MET[ratio["met"]],
        )
        for ratio in found["ratios"]
        if ratio.get("figure", RATE) == figure
    ]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    every = [heads, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(heads))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in every]
    padded.insert(1, ["-" * width for width in widths])
    return [f"| {' | '.join(row)} |" for row in padded]


def _warnings(found: Mapping[str, Any]) -> list[str]:
    """Cases that were not measured, those whose client took much CPU time, and bad upkeep."""
    return [
        *(f"UPKEEP {warning}" for warning in found.get("upkeep", [])),
        *(f"NOT MEASURED {name}: {why}" for name, why in found.get("not_measured", {}).items()),
        *(
            f"WARNING {case['name']}: the client kept a core {case['cpu_share']:.0%} busy."
            for case in found["cases"]
            if case["uses_http"] and case["cpu_share"] > BUSY_CLIENT
        ),
    ]
