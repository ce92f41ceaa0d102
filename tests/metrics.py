"""Readings of metrics: the values of all series, as a scraper sees them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from core.metrics.exposition import counted, rendered

# A name and its labels.
Series = tuple[str, frozenset[tuple[str, str]]]


def parsed(text: str) -> dict[Series, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def reading() -> dict[Series, float]:
    """What this process has counted."""
    return parsed(rendered("")[0].decode())


def sums(series: dict[Series, float], name: str, *labels: str) -> Counter[tuple[str, ...]]:
    """The sums of this name's series by the values of these labels; zeros are left out."""
    found: Counter[tuple[str, ...]] = Counter()
    for (named, members), value in series.items():
        if named == name and value:
            own = dict(members)
            found[tuple(own[label] for label in labels)] += value  # type: ignore[assignment]
    return found


def falls(before: dict[Series, float], after: dict[Series, float]) -> list[Series]:
    """The counters that have gone back or away."""
    return [
        series
        for series, value in before.items()
        if series[0].endswith(("_total", "_count", "_bucket")) and after.get(series, 0.0) < value
    ]


def counted_by(run: Callable[[], Any], name: str, *labels: str) -> Counter[tuple[str, ...]]:
    """What `run` adds to the sums of this name."""
    before = _sums(name, *labels)
    run()
    after = _sums(name, *labels)
    after.subtract(before)
    return Counter({key: value for key, value in after.items() if value})


def _sums(name: str, *labels: str) -> Counter[tuple[str, ...]]:
    """Without the text: after many tests there are thousands of series to parse."""
    samples = (sample for metric in counted() for sample in metric.samples if sample.name == name)
    series = {(one.name, frozenset(one.labels.items())): one.value for one in samples}
    return sums(series, name, *labels)
