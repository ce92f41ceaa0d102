"""The sums over the files of a server's processes, as metrics.

The library's own collector does the same at several times the price: it parses and compares each
value of each file. Here values are added by their keys as they stand in the files, and each key is
parsed once in the life of a process.
"""

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.samples import Sample

# Metric, name of the sample, labels, meaning.
_Key = tuple[str, str, dict[str, str], str]


def merged(files: Iterable[str]) -> list[Metric]:
    """A metric for each name; all gauges are sums, as counters and histograms are."""
    sums: dict[str, float] = {}
    kinds: dict[str, str] = {}
    for path in files:
        kind = Path(path).name.partition("_")[0]
        for key, value, *_ in MmapedDict.read_all_values_from_file(path):
            sums[key] = sums.get(key, 0.0) + value
            kinds.setdefault(key, kind)
    found: dict[str, Metric] = {}
    counts: dict[str, float] = {}
    for key, value in sums.items():
        name, sample, labels, meaning = _parsed(key)
        metric = found.get(name)
        if metric is None:
            metric = found[name] = Metric(name, meaning, kinds[key])
        if "le" not in labels:
            metric.samples.append(Sample(sample, labels, value))
        else:
            _add_bucket(metric, sample, labels, value, counts)
    return list(found.values())


def _add_bucket(
    metric: Metric, sample: str, labels: dict[str, str], value: float, counts: dict[str, float]
) -> None:
    """Buckets stand in the files one by one, in the order of their bounds; a scraper adds them up.

    `counts` has the number of observations so far of each series.
    """
    own = {name: each for name, each in labels.items() if name != "le"}
    series = f"{sample}{own}"
    count = counts[series] = counts.get(series, 0.0) + value
    metric.samples.append(Sample(sample, labels, count))
    if labels["le"] == "+Inf":
        metric.samples.append(Sample(f"{metric.name}_count", own, count))


@lru_cache(maxsize=100_000)
def _parsed(key: str) -> _Key:
    name, sample, labels, meaning = json.loads(key)
    return name, sample, labels, meaning
