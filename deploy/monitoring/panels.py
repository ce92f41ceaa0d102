"""Panels of the dashboards: a number for now, or curves over time."""

from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.models.dashboard import DataSourceRef

# grafana/provisioning/datasources/prometheus.yml gives it this uid.
SOURCE = DataSourceRef(type_val="prometheus", uid="bank-prometheus")


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel. `lines` are expressions with the text of their legend.

    `unit` is one of Grafana's: reqps, s, bytes, percentunit, short. A number is one value, now; all
    others are curves over time.
    """

    title: str
    meaning: str
    unit: str
    lines: tuple[tuple[str, str], ...]
    is_number: bool = False
    span: int = 8


def number(title: str, meaning: str, unit: str, expression: str) -> Shown:
    return Shown(title, meaning, unit, ((expression, ""),), is_number=True, span=4)


def curves(title: str, meaning: str, unit: str, *lines: tuple[str, str]) -> Shown:
    return Shown(title, meaning, unit, lines)


def built(shown: Shown) -> Any:
    panel: Any = stat.Panel() if shown.is_number else timeseries.Panel()
    panel.title(shown.title).description(shown.meaning).unit(shown.unit).datasource(SOURCE)
    panel.span(shown.span).height(4 if shown.is_number else 8)
    if not shown.is_number:
        panel.min(0).legend(common.VizLegendOptions().show_legend(True))
    for letter, (expression, legend) in zip("ABCDEFGH", shown.lines, strict=False):
        query = prometheus.Dataquery().expr(expression).ref_id(letter).datasource(SOURCE)
        panel.with_target(query.legend_format(legend) if legend else query)
    return panel
