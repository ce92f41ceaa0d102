"""The text for Prometheus: what the processes of a server have counted, and further metrics."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from prometheus_client import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from core.database_errors import OTHER
from core.metrics import folder, http
from core.metrics.instruments import REGISTRY, WEB, WORKER, own_kind
from core.metrics.merging import merged
from core.money import UNITS_PER_MAIN

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
_WITH_EXAMPLES = "bank_http_request_duration_seconds"
# Counted in whole units, which add up exactly, and shown in main units.
_IN_UNITS = "bank_transactions_amount"


MEMORY = ("bank_process_memory_bytes", "Resident memory of the processes.")
FREE = ("bank_data_free_bytes", "Free room on the data folder's file system.")
SIZE = (
    "bank_data_size_bytes",
    "Size of the data folder's file system, without what only root may use.",
)


@dataclass(frozen=True, slots=True)
class _Shown(Collector):
    """What `generate_latest` asks for metrics."""

    metrics: Iterable[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def rendered(accept: str, further: Iterable[Metric] = ()) -> tuple[bytes, str]:
    """The text and its content type: OpenMetrics with examples of requests if `accept` names it.

    Raises FolderBusy.
    """
    if "application/openmetrics-text" in accept:
        shown = _Shown([*map(_with_examples, counted()), *further])
        return openmetrics.generate_latest(shown), openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(_Shown([*counted(), *further])), PLAIN


def counted() -> Iterator[Metric]:
    """What the processes of this server, the dead ones too, have counted. Raises FolderBusy."""
    of_server = folder.current()
    if of_server is None:
        found, processes = REGISTRY.collect(), [(os.getpid(), own_kind())]
    else:
        with folder.counted(of_server) as files:
            found, processes = merged(files), folder.living(of_server)
    for metric in sorted(found, key=lambda one: one.name):
        yield _in_main_units(metric) if metric.name == _IN_UNITS else metric
    yield _memory(processes)
    yield from _room()


def _in_main_units(metric: Metric) -> Metric:
    shown = Metric(metric.name, metric.documentation, metric.type)
    shown.samples = [one._replace(value=one.value / UNITS_PER_MAIN) for one in metric.samples]
    return shown


def _with_examples(metric: Metric) -> Metric:
    if metric.name != _WITH_EXAMPLES:
        return metric
    shown = Metric(metric.name, metric.documentation, metric.type)
    shown.samples = [
        one._replace(exemplar=http.example(one.labels)) if "le" in one.labels else one
        for one in metric.samples
    ]
    return shown


def _memory(processes: Iterable[tuple[int, str]]) -> Metric:
    """Resident bytes by kind of process; empty on a system without /proc."""
    held: dict[str, int] = {}
    for number, kind in processes:
        try:
            pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
        named = kind if kind in (WEB, WORKER) else OTHER
        held[named] = held.get(named, 0) + pages * os.sysconf("SC_PAGE_SIZE")
    metric = GaugeMetricFamily(*MEMORY, labels=("process",))
    for kind, size in sorted(held.items()):
        metric.add_metric((kind,), size)
    return metric


def _room() -> Iterator[Metric]:
    """The file system of the data folder, as `df` counts it; empty where it cannot be asked."""
    free = GaugeMetricFamily(*FREE)
    size = GaugeMetricFamily(*SIZE)
    with suppress(OSError):
        of_folder = os.statvfs(settings.DATA_DIR)
        used = of_folder.f_blocks - of_folder.f_bfree
        free.add_metric((), of_folder.f_bavail * of_folder.f_frsize)
        size.add_metric((), (used + of_folder.f_bavail) * of_folder.f_frsize)
    yield free
    yield size
