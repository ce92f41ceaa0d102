"""One seed for all chance, and the counts that are printed at the end."""

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


# What starts servers, kills processes or lets crowds fight: minutes, not seconds.
_SLOW_FOLDERS = {"browser", "concurrency", "crash"}
# By these a test asks for the database of the run, if it does not say so by `django_db`.
_DATABASE = {"db", "transactional_db", "django_db_setup", "live_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _SLOW_FOLDERS & set(item.path.parts):
            item.add_marker(pytest.mark.slow)
        # What is slow runs once anyway, on the oldest PostgreSQL, with a bank of its own or not.
        if item.get_closest_marker("slow") is None and not _uses_database(item):
            item.add_marker(pytest.mark.no_database)


def _uses_database(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("django_db", "postgresql", "sqlite"))
    return marked or bool(_DATABASE & set(getattr(item, "fixturenames", ())))


def pytest_report_header() -> str:
    return f"seed: {os.environ[SEED_VARIABLE]} (set {SEED_VARIABLE} to repeat it)"


NO_BROWSER = "NO BROWSER TESTS"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    _tell_of_missing_browser(terminalreporter)
    _tell_counts(terminalreporter)


def _tell_of_missing_browser(terminalreporter: Any) -> None:
    """So loud that nobody takes a run without a browser for a whole one."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(NO_BROWSER in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.section(NO_BROWSER, sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{count} tests of the console were skipped: there is no Chromium. Install it"
            " (apt install chromium), or name one by CHROMIUM.",
            red=True,
        )


def _tell_counts(terminalreporter: Any) -> None:
    """What the concurrency tests counted, in whichever process they ran."""
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
