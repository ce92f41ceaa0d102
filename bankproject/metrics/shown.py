"""The reading of the database as metrics."""

from collections.abc import Iterator

from django.conf import settings
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from bankproject.metrics import cache, database


def of_database() -> Iterator[Metric]:
    """The metrics of the last reading; of a new one if it is older than the interval."""
    reading, age = cache.shared(database.read, settings.METRICS_INTERVAL_SECONDS)
    found: dict[str, list[tuple[list[str], float]]] = {"bank_metrics_read_age_seconds": [([], age)]}
    for name, labels, value in reading.get("values", ()):
        found.setdefault(name, []).append((labels, value))
    for name, (meaning, labels) in database.DESCRIBED.items():
        if name in found:
            metric = GaugeMetricFamily(name, meaning, labels=labels)
            for values, value in found[name]:
                metric.add_metric(list(values), value)
            yield metric
