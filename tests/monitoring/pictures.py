"""Pictures of a drill: graphs that Prometheus draws itself, and the console's statistics."""

from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, sync_playwright

from tests.browser.watched import Watched, chromium, new_session
from tests.monitoring.watched import PASSWORD, USER

_SIZE = {"width": 1000, "height": 700}
_WIDE = {"width": 1440, "height": 1100}
_DRAWING_MILLISECONDS = 3000
# The name of the picture, the expression, and whether curves stand on each other.
GRAPHS = {
    "alerts": ('sum by (alertname) (ALERTS{alertstate="firing"})', True),
    "answers": ("sum by (status) (rate(bank_http_requests_total[1m]))", False),
    "lag": ("max by (job) (bank_database_replication_lag_seconds)", False),
}


def of_prometheus(url: str, folder: Path, minutes: int) -> None:
    """The graphs of the last minutes, each as its page shows it."""
    with sync_playwright() as playwright, chromium(playwright) as browser:
        for name, (expression, is_stacked) in GRAPHS.items():
            asked = {
                "g0.range_input": f"{minutes}m",
                "g0.stacked": str(int(is_stacked)),
                "g0.expr": expression,
                "g0.tab": "0",
            }
            _graph(browser, f"{url}/graph?{urlencode(asked)}", folder / f"prometheus-{name}.png")


def _graph(browser: Browser, url: str, path: Path) -> None:
    session = new_session(browser, viewport=_SIZE)
    page = session.new_page()
    page.goto(url)
    page.wait_for_timeout(_DRAWING_MILLISECONDS)
    page.screenshot(path=path, full_page=True, animations="disabled", caret="hide")
    session.close()


def of_console(url: str, folder: Path) -> None:
    """The page Statistics of today, by hour."""
    with sync_playwright() as playwright, chromium(playwright) as browser:
        session = new_session(browser, viewport=_WIDE)
        watched = Watched(session, url)
        watched.log_in(USER, PASSWORD)
        page = watched.open("/admin/statistics/?interval=hour")
        page.screenshot(path=folder / "statistics-of-faults.png", animations="disabled")
        session.close()
