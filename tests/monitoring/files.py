"""The files of deploy/monitoring."""

import json
from pathlib import Path
from typing import Any

import yaml

from deploy.monitoring.boards.expressions import RATE
from deploy.monitoring.dashboards import DASHBOARDS, made

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
RULES = MONITORING / "rules" / "bank.yml"


def expressions() -> set[str]:
    """All expressions of the dashboards, with a span for their rates."""
    return {
        target["expr"].replace(RATE, "30s")
        for name in DASHBOARDS
        for panel in json.loads(made(name))["panels"]
        for target in panel.get("targets", ())
    }


def alerts() -> dict[str, dict[str, Any]]:
    """All alerts by name."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}
