"""The dashboards of Grafana, made by code: `python -m deploy.monitoring.dashboards` writes them.

They show what `/metrics` gives. An expression sums over all servers; what is read from the database
is the same on each of them, so its greatest value is taken.
"""

import json
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.monitoring.boards import api, bank, machine, queue
from deploy.monitoring.panels import ROWS, built

FOLDER = Path(__file__).parent / "grafana" / "dashboards"

# The file, the title and the panels of each.
DASHBOARDS = {
    "bank": ("Bank", bank.panels),
    "api": ("API", api.panels),
    "queue": ("Queue and workers", queue.panels),
    "machine": ("Machine and database", machine.panels),
}


def made(name: str) -> str:
    """The JSON of a dashboard, as Grafana reads it."""
    title, panels = DASHBOARDS[name]
    board = (
        dashboard.Dashboard(title)
        .uid(f"bank-{name}")
        .tags(["bank"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .readonly()
    )
    shown = list(panels())
    for title in [row for row in ROWS if row in {panel.row for panel in shown}]:
        board.with_row(dashboard.Row(title))
        for panel in shown:
            if panel.row == title:
                board.with_panel(built(panel).id(shown.index(panel) + 1))
    return json.dumps(board.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(made(name), "utf-8")


if __name__ == "__main__":
    main()
