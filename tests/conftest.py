"""One random seed for the whole run, and the counts printed at the end."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.seed import SEED_VARIABLE, new_seed, seed

COUNTS_FILE_VARIABLE = "TEST_COUNTS_FILE"


def pytest_configure() -> None:
    # The processes of pytest-xdist inherit it.
    os.environ.setdefault(SEED_VARIABLE, str(new_seed()))


# Tests that start servers, kill processes or run many clients: minutes, not seconds.
_SLOW_FOLDERS = {"browser", "concurrency", "crash"}
# Fixtures by which a test uses the run's database without the mark `django_db`.
_DATABASE = {"db", "transactional_db", "django_db_setup", "live_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _SLOW_FOLDERS & set(item.path.parts):
            item.add_marker(pytest.mark.slow)
        # Slow tests run only once anyway, on the oldest PostgreSQL.
        if item.get_closest_marker("slow") is None and not _uses_database(item):
            item.add_marker(pytest.mark.no_database)
    # Slow tests first: at the end, the other processes would wait for the last one of them. Those
    # of the run's database stay where pytest-django has put them.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None or _has_database(item))


def _uses_database(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("postgresql", "sqlite"))
    return marked or _has_database(item)


def _has_database(item: pytest.Item) -> bool:
    """Whether the run's database is set up for the test."""
    fixtures = _DATABASE & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


def pytest_report_header() -> str:
    return f"seed: {os.environ[SEED_VARIABLE]} (set {SEED_VARIABLE} to repeat it)"


NO_BROWSER = "NO BROWSER TESTS"
NO_FULL_DISK = "NO TEST OF A FULL DISK"
NO_NGINX = "NO TESTS OF THE PROXY"
NO_PGBOUNCER = "NO TESTS BEHIND PGBOUNCER"
NO_PRESTO = "PRESTO IS NOT TESTED"
NO_PROMETHEUS = "NO TESTS WITH PROMETHEUS"
NO_TYPESCRIPT = "NO TEST OF THE TYPESCRIPT CLIENT"
NO_UPGRADE = "NO TEST OF AN UPGRADE"

# Skips that are reported loudly, so nobody takes the run for complete, and their remedies.
_LOUD_SKIPS = {
    NO_BROWSER: "There is no Chromium. Install it (apt install chromium), or name it by CHROMIUM.",
    NO_FULL_DISK: "A small disk is a tmpfs, and to mount one takes the rights of root.",
    NO_NGINX: "There is no nginx. Install it (apt install nginx-light).",
    NO_PGBOUNCER: "There is no PgBouncer. Install it (apt install pgbouncer).",
    NO_PRESTO: "It needs Maven, psql (apt install maven postgresql-client), and a registry to ask.",
    NO_PROMETHEUS: "There is no Prometheus with promtool. Install it (apt install prometheus).",
    NO_TYPESCRIPT: "It needs Node.js, npm (apt install nodejs npm), and a registry to ask.",
    NO_UPGRADE: "The history lacks the release before. Fetch it: git fetch --unshallow.",
}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for title, help_text in _LOUD_SKIPS.items():
        _tell_of_skipped(terminalreporter, title, help_text)
    _tell_counts(terminalreporter)


def _tell_of_skipped(terminalreporter: Any, title: str, help_text: str) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(title in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.section(title, sep="!", red=True, bold=True)
        terminalreporter.line(f"{count} skipped. {help_text}", red=True)


def _tell_counts(terminalreporter: Any) -> None:
    """Prints the counts of the concurrency tests from all processes."""
    total: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "teardown":
                for name, counts in report.user_properties:
                    if name == "tally":
                        total.update(counts)
    if not total:
        return
    terminalreporter.section(f"concurrency, seed {seed()}")
    for name, count in sorted(total.items()):
        terminalreporter.write_line(f"{count:>9,} {name}")
    if path := os.environ.get(COUNTS_FILE_VARIABLE):
        Path(path).write_text(json.dumps(total))
