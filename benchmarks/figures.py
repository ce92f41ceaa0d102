"""The results of a run, as a dictionary for JSON."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.cases import Case
from benchmarks.goals import RATE, SERVER_TIME, Limit, Ratio, limits, ratios
from benchmarks.measure import Slice, percentile


def results(
    cases: Sequence[Case],
    slices: Mapping[str, Sequence[Slice]],
    web_growth_megabytes: float | None,
) -> dict[str, Any]:
    """Figures of each measured case, and how they compare with the goals and limits."""
    rates = {name: [measured.rate for measured in found] for name, found in slices.items()}
    times = {name: found for name, each in slices.items() if (found := server_times(each))}
    run = {"web_growth_megabytes": web_growth_megabytes}
    figures = [case_figures(case, slices[case.name]) for case in cases if case.name in slices]
    return {
        **run,
        "cases": figures,
        "ratios": [_ratio(ratio) for ratio in ratios({RATE: rates, SERVER_TIME: times})],
        "limits": [_limit(limit, value) for limit, value in limits(run, figures)],
    }


def server_times(slices: Sequence[Slice]) -> list[float]:
    """The web server's processor time of a request in each slice, in ms; empty if unknown."""
    return [each.server * 1000 for one in slices if (each := one.processor_time_of_a_call)]


def database_times(slices: Sequence[Slice]) -> list[float]:
    """As `server_times`, for PostgreSQL."""
    return [each.database * 1000 for one in slices if (each := one.processor_time_of_a_call)]


def case_figures(case: Case, slices: Sequence[Slice]) -> dict[str, Any]:
    """Rate and processor times are medians of the rounds; latencies cover all calls of them."""
    rates = [measured.rate for measured in slices]
    latencies = [latency * 1000 for measured in slices for latency in measured.latencies]
    shares = [measured.cpu_share for measured in slices if measured.cpu_share is not None]
    peaks = [one.peak_megabytes for one in slices if one.peak_megabytes is not None]
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
        **_by_round("server_milliseconds", server_times(slices)),
        **_by_round("database_milliseconds", database_times(slices)),
        "cpu_share": round(median(shares), 3) if shares else None,
        "peak_megabytes": round(max(peaks), 1) if peaks else None,
    }


def _by_round(name: str, values: Sequence[float]) -> dict[str, Any]:
    """The median and all values; None if there are none."""
    return {
        name: round(median(values), 3) if values else None,
        f"{name}_by_round": [round(value, 3) for value in values] or None,
    }


def _ratio(ratio: Ratio) -> dict[str, Any]:
    return {
        "of": ratio.goal.of,
        "to": ratio.goal.to,
        "figure": ratio.goal.figure,
        "value": round(ratio.value, 3),
        "at_least": ratio.goal.at_least,
        "at_most": ratio.goal.at_most,
        "met": ratio.is_met,
    }


def _limit(limit: Limit, value: float) -> dict[str, Any]:
    return {
        "of": limit.of,
        "figure": limit.figure,
        "value": value,
        "at_most": limit.at_most,
        "met": value <= limit.at_most,
    }
