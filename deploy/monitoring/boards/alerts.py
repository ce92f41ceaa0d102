"""What is wrong now, and what to do about it: the alerts that fire, and their runbook."""

import re
from collections.abc import Iterator
from pathlib import Path

from deploy.monitoring.panels import ALERTS, RUNBOOK, Shown

_PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations.md"
# The panel of the runbook alone, by its number.
RUNBOOK_URL = "/d/bank-bank?viewPanel=3"
FIRING = 'ALERTS{alertstate="firing"}'


def panels() -> Iterator[Shown]:
    yield Shown(
        "number",
        ALERTS,
        "Firing",
        "Alerts that fire now.",
        "short",
        ((f"count({FIRING}) or vector(0)", ""),),
        red_from=1,
    )
    yield Shown(
        "table",
        ALERTS,
        "Alerts",
        "What fires now, and where. The runbook below has a section for each alert.",
        "short",
        ((f"max by (severity, alertname, service, instance) ({FIRING})", ""),),
        link=("Runbook", RUNBOOK_URL),
    )
    yield Shown(
        "text",
        RUNBOOK,
        "Runbook",
        "For each alert what it means, what to look at, and what to do.",
        markdown=runbook(),
    )


def runbook() -> str:
    """The sections of the alerts in docs/operations.md, without the links inside that page."""
    _, _, rest = _PAGE.read_text("utf-8").partition("\n## Alerts\n")
    part, _, _ = rest.partition("\n## ")
    sections = part[part.index("\n### ") :].strip()
    return re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", sections) + "\n"
