"""The console of an empty bank: each empty page names a next step."""

from collections.abc import Iterator

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from core.console.admin import BankModelAdmin
from tests.browser.inspection import inspect
from tests.browser.seats import seat
from tests.browser.watched import Watched

pytestmark = pytest.mark.sqlite

PAGES = {
    "/admin/approvals/": "Requests that need a second person appear here at once.",
    "/admin/statistics/": "Choose other days above.",
}
# Lists that are never empty, such as logins.
NEVER_EMPTY = {"user", "group", "accesslog", "accessfailurelog"}


@pytest.fixture
def first_morning(browser: Browser, live_server: LiveServer) -> Iterator[Watched]:
    """A superuser's page on the test run's own database, which is empty."""
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    watched = seat(browser, client, live_server.url)
    yield watched
    watched.page.context.close()


def test_each_empty_page_says_how_to_go_on(first_morning: Watched) -> None:
    """Each list has its own words for it."""
    silent = []
    for model, its_admin in site._registry.items():
        if model._meta.model_name in NEVER_EMPTY:
            continue
        next_step = getattr(its_admin, "when_empty", BankModelAdmin.when_empty)
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        page = first_morning.open(path, until="load")
        if next_step == BankModelAdmin.when_empty or page.get_by_text(next_step).count() != 1:
            silent.append(path)
    for path, next_step in PAGES.items():
        page = first_morning.open(path, until="load")
        if page.get_by_text(next_step).count() != 1:
            silent.append(path)
    assert silent == []
    first_morning.assert_clean()


def test_today_of_an_empty_bank_is_whole(first_morning: Watched) -> None:
    first_morning.open("/admin/")
    inspect(first_morning)
