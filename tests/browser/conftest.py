"""One bank and one Chromium for all tests of this folder, and one log-in per member of staff.

The bank runs as under `make run`, on its own database. The database of the test run is not used, so
the suite runs these tests only once. Each test uses its own accounts, so tests can run in any order
and in parallel.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser.api import Api
from tests.browser.watched import (
    CHROMIUM,
    Sit,
    Watched,
    chromium,
    has_chromium,
    new_session,
)
from tests.conftest import NO_BROWSER
from tests.demo_bank import DemoBank, busy_bank
from tests.whole_bank import make_whole_bank, prepare

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = pytest.mark.skip(reason=f"{NO_BROWSER}: there is no {CHROMIUM}")
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not has_chromium():
                item.add_marker(absent)


# Package scope instead of session scope: while Playwright runs, Django takes this thread for an
# asyncio thread, and would refuse to use the database in it.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as started:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as started:
        yield started


@pytest.fixture(scope="package")
def bank() -> Iterator[DemoBank]:
    with busy_bank() as served:
        yield served


@pytest.fixture
def whole_bank(live_server: LiveServer, settings: Any, tmp_path: Path) -> LiveServer:
    """The bank of `tests.whole_bank`, served in this process."""
    prepare(settings, tmp_path)
    make_whole_bank()
    return live_server


@pytest.fixture(scope="package")
def api(playwright: Playwright, bank: DemoBank) -> Iterator[Api]:
    client = Api(playwright, bank)
    yield client
    client.close()


@pytest.fixture(scope="package")
def sessions() -> Iterator[dict[str, BrowserContext]]:
    """The browser sessions of logged-in users, by user name."""
    opened: dict[str, BrowserContext] = {}
    yield opened
    for session in opened.values():
        session.close()


@pytest.fixture
def sit(browser: Browser, bank: DemoBank, sessions: dict[str, BrowserContext]) -> Iterator[Sit]:
    """`sit("tessa")` gives a page where she is logged in. Fails at the end if a page had
    complaints.
    """
    seats: list[Watched] = []
    strangers: list[BrowserContext] = []

    def open_page(username: str = "") -> Watched:
        session = sessions.get(username) or new_session(browser)
        watched = Watched(session, bank.url)
        seats.append(watched)
        if not username:
            strangers.append(session)
        elif username not in sessions:
            sessions[username] = session
            watched.log_in(username, bank.passwords[username])
            assert watched.path == "/admin/"
        return watched

    yield open_page
    for watched in seats:
        watched.page.close()
    for stranger in strangers:
        stranger.close()
    for watched in seats:
        watched.assert_clean()
