"""Panels of the dashboards: a number for now, curves over time, a table, a text."""

from dataclasses import dataclass
from typing import Any, Literal

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, text
from grafana_foundation_sdk.builders import timeseries as over_time
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

# grafana/provisioning/datasources/prometheus.yml gives it this uid.
SOURCE = DataSourceRef(type_val="prometheus", uid="bank-prometheus")

# The rows of a dashboard, in their order.
ALERTS, NOW, OVER_TIME, RUNBOOK = "Alerts", "Now", "Over time", "Runbook"
ROWS = (ALERTS, NOW, OVER_TIME, RUNBOOK)

_WIDTHS = {"number": 4, "curves": 8, "table": 20, "text": 24}
_HEIGHTS = {"number": 4, "curves": 8, "table": 8, "text": 24}


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel. `lines` are expressions with the text of their legend.

    `unit` is one of Grafana's: reqps, s, bytes, percentunit, short. A number or a table has the
    values of now, curves those over time. A text has `markdown` and no expression.
    """

    kind: Literal["number", "curves", "table", "text"]
    row: str
    title: str
    meaning: str
    unit: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    markdown: str = ""
    # A number is red from here on.
    red_from: float | None = None
    # Where a click on a cell of a table leads: a title and a URL.
    link: tuple[str, str] | None = None


def number(title: str, meaning: str, unit: str, expression: str) -> Shown:
    return Shown("number", NOW, title, meaning, unit, ((expression, ""),))


def curves(title: str, meaning: str, unit: str, *lines: tuple[str, str]) -> Shown:
    return Shown("curves", OVER_TIME, title, meaning, unit, lines)


def built(shown: Shown) -> Any:
    panel = _PANELS[shown.kind](shown).title(shown.title).description(shown.meaning)
    panel.span(_WIDTHS[shown.kind]).height(_HEIGHTS[shown.kind])
    if shown.kind == "text":
        return panel
    panel.unit(shown.unit).datasource(SOURCE)
    for letter, (expression, legend) in zip("ABCDEFGH", shown.lines, strict=False):
        query = prometheus.Dataquery().expr(expression).ref_id(letter).datasource(SOURCE)
        if shown.kind == "table":
            query.instant().format(PromQueryFormat.TABLE)
        panel.with_target(query.legend_format(legend) if legend else query)
    return panel


def _number(shown: Shown) -> Any:
    panel = stat.Panel()
    if shown.red_from is not None:
        steps = [Threshold(color="green"), Threshold(value=shown.red_from, color="red")]
        panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    return panel


def _curves(_: Shown) -> Any:
    return over_time.Panel().min(0).legend(common.VizLegendOptions().show_legend(True))


def _table(shown: Shown) -> Any:
    """A column for each label."""
    without = {"excludeByName": {"Time": True, "Value": True}}
    labels = DataTransformerConfig(id_val="organize", options=without)
    panel = table.Panel().with_transformation(labels)
    if shown.link is not None:
        title, url = shown.link
        panel.override_by_regexp(
            ".*", [DynamicConfigValue("links", [{"title": title, "url": url}])]
        )
    return panel


def _text(shown: Shown) -> Any:
    return text.Panel().mode(TextMode.MARKDOWN).content(shown.markdown)


_PANELS = {"number": _number, "curves": _curves, "table": _table, "text": _text}
