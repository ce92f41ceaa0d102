"""The dashboards: the JSON is what the code makes, and what its provisioning expects."""

import json
from typing import Any

import pytest
import yaml

from deploy.monitoring.dashboards import DASHBOARDS, FOLDER, made
from deploy.monitoring.panels import SOURCE
from tests.monitoring.files import MONITORING, ROOT, alerts
from tests.monitoring.rules import names_in, shown_names

PROVISIONING = MONITORING / "grafana" / "provisioning"


def _panels(name: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(made(name))["panels"] if one["type"] != "row"]


def test_the_files_are_what_the_code_makes() -> None:
    """If not: python -m deploy.monitoring.dashboards."""
    files = {path.stem: path.read_text("utf-8") for path in FOLDER.iterdir()}
    assert files == {name: made(name) for name in DASHBOARDS}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_panel_says_what_it_shows(name: str) -> None:
    panels = _panels(name)
    assert len({one["id"] for one in panels}) == len({one["title"] for one in panels})
    for panel in panels:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["type"] == "text" or panel["targets"], panel["title"]


def test_the_bank_begins_with_the_alerts_that_fire_and_leads_to_their_runbook() -> None:
    first, firing, table, *others = json.loads(made("bank"))["panels"]
    assert (first["type"], first["title"]) == ("row", "Alerts")
    assert (firing["type"], table["type"]) == ("stat", "table")
    assert "ALERTS" in firing["targets"][0]["expr"]
    assert "alertname" in table["targets"][0]["expr"]
    (cells,) = table["fieldConfig"]["overrides"]
    (link,) = cells["properties"][0]["value"]
    runbook = others[-1]
    assert link["url"] == f"/d/bank-bank?viewPanel={runbook['id']}"
    for name in alerts():
        assert f"### {name}\n" in runbook["options"]["content"]
    assert "](" not in runbook["options"]["content"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_panel_covers_another(name: str) -> None:
    cells = [
        (column, row)
        for panel in json.loads(made(name))["panels"]
        for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for row in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


def test_dashboards_ask_for_what_the_bank_shows() -> None:
    asked = {
        name
        for board in DASHBOARDS
        for panel in _panels(board)
        for target in panel.get("targets", ())
        for name in names_in(target["expr"])
    }
    assert asked
    assert asked - shown_names() == set()


def test_grafana_finds_its_source_and_the_files() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["uid"]) == (SOURCE.type_val, SOURCE.uid)
    scrape = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["global"]
    assert source["jsonData"]["timeInterval"] == scrape["scrape_interval"]
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/bank.yml").read_text())["providers"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    mounted = dict(one.split(":")[:2] for one in compose["services"]["grafana"]["volumes"])
    assert mounted[f"./{FOLDER.relative_to(ROOT)}"] == provider["options"]["path"]
