"""The alerts: sound for Prometheus, tested one by one, explained in docs/operations.md."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from bankproject.metrics.shown import of_database
from core.metrics.exposition import rendered
from tests.monitoring.files import MONITORING, ROOT, RULES, alerts
from tests.monitoring.rules import TOKEN_FILE, names_in, needs_prometheus, promtool, shown_names

TESTS = MONITORING / "tests" / "bank.yml"


@needs_prometheus
def test_prometheus_takes_the_configuration(tmp_path: Path) -> None:
    """Of a copy: the committed one names a file for the token that only a container has."""
    token = tmp_path / "token"
    token.write_text("0123456789")
    text = (MONITORING / "prometheus.yml").read_text("utf-8")
    assert TOKEN_FILE in text
    (tmp_path / "prometheus.yml").write_text(text.replace(TOKEN_FILE, str(token)))
    shutil.copytree(RULES.parent, tmp_path / "rules")
    output = promtool("check", "config", "prometheus.yml", folder=tmp_path)
    assert f"{len(alerts())} rules found" in output
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))


@needs_prometheus
def test_each_alert_fires_when_it_should_and_at_no_other_time() -> None:
    assert "SUCCESS" in promtool("test", "rules", str(TESTS))


def test_every_alert_is_tested_both_ways() -> None:
    fires, rests = set(), set()
    for test in yaml.safe_load(TESTS.read_text("utf-8"))["tests"]:
        for moment in test["alert_rule_test"]:
            (fires if moment.get("exp_alerts") else rests).add(moment["alertname"])
    assert fires == rests == set(alerts())


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_what_its_reader_needs(name: str) -> None:
    rule = alerts()[name]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    _, _, rest = text.partition("\n## Alerts\n")
    part, _, _ = rest.partition("\n## ")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", part, re.MULTILINE | re.DOTALL))
    assert list(sections) == list(alerts())
    for name, section in sections.items():
        for question in ("**Meaning.**", "**Look at.**", "**Do.**"):
            assert question in section, f"{name} lacks {question}"


def test_the_table_of_times_has_each_alert() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    _, _, rest = text.partition("\n## How soon alerts fire\n")
    part, _, _ = rest.partition("\n## ")
    rows = re.findall(
        r"^\| \[(\w+)\]\(#(\w+)\) \| (.+) \| (\d+) min (\d+) s \|$", part, re.MULTILINE
    )
    assert [name for name, *_ in rows] == list(alerts())
    for name, link, _, minutes, seconds in rows:
        assert link == name.lower()
        number, unit = alerts()[name]["for"][:-1], alerts()[name]["for"][-1]
        least = int(number) * {"m": 60, "h": 3600}[unit]
        # It waits at least so long; the rest is the fault's own and a few scrapes.
        assert least <= 60 * int(minutes) + int(seconds) <= least + 480, name


def test_alerts_ask_for_what_the_bank_shows() -> None:
    asked = {name for rule in alerts().values() for name in names_in(rule["expr"])}
    assert asked
    assert asked - shown_names() == set()


@needs_prometheus
@pytest.mark.django_db
def test_promtool_finds_no_fault_in_names_types_and_texts() -> None:
    """By the rules of Prometheus: units, endings, a text for each."""
    shown = rendered("", of_database())[0].decode()
    assert "bank_http_requests_total" in shown
    assert promtool("check", "metrics", said=shown) == ""
