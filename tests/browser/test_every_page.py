"""Every page of the console, by its routes: axe-core finds nothing, targets included.

`test_pages` looks at the pages of a busy bank more closely. Here no route is left out, and the bank
has what each button needs.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Browser, Error, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from bankproject.console import help_page
from staff import one_time
from statements.models import Statement
from tests.admin import account_url, logged_in
from tests.api import make_user
from tests.browser.inspection import looked_at
from tests.browser.seats import seat
from tests.browser.test_pages import LISTS, PAGES
from tests.browser.watched import Watched

pytestmark = pytest.mark.sqlite

# Routes without a page of their own: answers to scripts, files, and ways to a list.
_NO_PAGES = {
    "home", "metrics", "approvals-waiting", "transfer-targets", "logout", "jsi18n", "autocomplete",
    "view_on_site", "jobs-run",
    "audit-export", "statistics-export", "analytics-export", "receipt",
    "accounts_account_list_export",
    "transactions_entry_export", "transactions_transaction_export",
    "statements_statement_download_pdf", "statements_statement_download_xlsx",
    "statements_statement_download_csv", "statements_statement_download_json",
    "statements_statement_download_camt053",
    "desk_deskfile_download_csv", "desk_deskfile_download_xlsx",
    "transactions_batch_transactions", "auth_user_accounts", "customers_customer_open_account",
    *(f"accounts_account_{of}" for of in ("transactions", "entries", "statements")),
}  # fmt: skip
# Nobody adds or deletes rows of most lists.
_FOR_NOBODY = ("_add", "_delete", "app_list")
# These need more than a row: see below.
_BY_HAND = {"first_password", "verify", "write-note", "transactions_selected"}
# Of a page that is no list; `bankproject/tests/test_lists.py` counts those of lists.
_MOST_STATEMENTS = 30


def _names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    """The names of all routes beside the API's."""
    for one in patterns:
        if isinstance(one, URLPattern):
            yield one.name or ""
        elif not str(one.pattern).startswith("api/"):
            yield from _names(one.url_patterns)


def _urls(name: str) -> Iterator[str]:
    """URLs of the route, of any row."""
    rows = [
        [row.pk]
        for model in apps.get_models()
        if name.startswith(f"{model._meta.app_label}_{model._meta.model_name}_")
        for row in model._default_manager.all()[:50]
    ]
    for prefix, values in product(("", "admin:"), ([], *rows)):
        with suppress(NoReverseMatch):
            yield reverse(f"{prefix}{name}", args=values)


def _is_page(answer: Any) -> bool:
    status = answer.status if hasattr(answer, "status") else answer.status_code
    return status == 200 and answer.headers.get("content-type", "").startswith("text/html")


def routes() -> dict[str, list[str]]:
    """The URLs of each route that `test_pages` does not open, by its name: some are of rows for
    which there is no page.
    """
    names = {name for name in _names(get_resolver().url_patterns) if name}
    inspected = {path.partition("?")[0] for path in (*PAGES, *LISTS)}
    found = {name: list(_urls(name)) for name in sorted(names - _NO_PAGES - _BY_HAND)}
    return {name: urls for name, urls in found.items() if urls and urls[0] not in inspected}


class Walk:
    """Opens pages, looks at each, and counts the SQL statements of their requests."""

    def __init__(self, watched: Watched, client: Client) -> None:
        self.watched = watched
        self.client = client
        self.problems: list[str] = []
        self.statements: dict[str, int] = {}

    def look(self, path: str) -> bool:
        """Whether there is a page. The server of this process shares the test's connection."""
        try:
            with CaptureQueriesContext(connection) as queries:
                answer = self.watched.page.goto(f"{self.watched.url}{path}", wait_until="load")
        except Error as error:
            if "Download is starting" in str(error):
                return False
            raise
        if not _is_page(answer):
            return False
        self.statements[path] = len(queries)
        self.problems += looked_at(self.watched)
        return True

    def look_at_first(self, urls: list[str]) -> bool:
        """Looks at the first of these that is a page. Django's client finds it sooner."""
        first, *others = urls
        if self.look(first):
            return True
        found = next((url for url in others if _is_page(self.client.get(url))), None)
        return found is not None and self.look(found)


def further_pages(client: Client) -> list[str]:
    account = Account.objects.filter(status="ACTIVE", balance__gt=100)[0]
    draft = client.post(account_url(account, "deposit"), {"amount": "5", "key": str(account.pk)})
    digest = Statement.objects.values_list("digest", flat=True)[0]
    return [
        draft["Location"],
        reverse("write-note", args=["account", account.pk]),
        reverse("admin:transactions_selected", args=["approve"]),
        *(reverse("verify", args=[text]) for text in (digest, "0" * 64, "x")),
    ]


def test_axe_finds_nothing_on_any_page_and_none_costs_many_statements(
    whole_bank: LiveServer, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = logged_in(User.objects.create_superuser("admin"))
    watched = seat(browser, client, whole_bank.url)
    walk = Walk(watched, client)
    missing = [name for name, urls in routes().items() if not walk.look_at_first(urls)]
    assert [name for name in missing if not name.endswith(_FOR_NOBODY)] == []
    problems = walk.problems
    for path in further_pages(client):
        if not walk.look(path):
            problems += looked_at(watched)
    watched.expect_refusal(403)
    watched.expect_refusal(404)  # Digests that nobody knows.
    watched.expect_refusal(400)
    dear = {path: count for path, count in walk.statements.items() if count > _MOST_STATEMENTS}
    assert dear == {}
    assert len(walk.statements) > 60
    # Pages behind a form.
    user = User.objects.get(username="teller-a")
    watched.open(reverse("admin:auth_user_one_time_password", args=[user.pk]), until="load")
    watched.page.get_by_role("button", name="New one-time password").click()
    watched.page.wait_for_selector("#one-time-password")
    problems += looked_at(watched)
    watched.page.evaluate("document.querySelector('form[action$=\"/logout/\"]').submit()")
    expect(watched.page.get_by_role("heading", name="You are logged out")).to_be_visible()
    problems += looked_at(watched)
    watched.assert_clean()
    watched.page.context.close()
    # What is missing, forbidden or broken.
    watched = seat(browser, logged_in(User.objects.get(username="admin")), whole_bank.url)
    monkeypatch.setattr(help_page, "TemplateResponse", None)
    for path, status in (("nothing/", 404), ("accounts/account/add/", 403), ("help/", 500)):
        assert watched.status_of(f"/admin/{path}") == status
        problems += looked_at(watched)
    watched.assert_clean()
    watched.page.context.close()
    # The page of the first password.
    client = Client()
    given = one_time.give(make_user("fresh", role="teller"), by="test")
    client.post(reverse("admin:login"), {"username": "fresh", "password": given})
    watched = seat(browser, client, whole_bank.url)
    watched.open("/admin/first-password/", until="load")
    problems += looked_at(watched)
    watched.assert_clean()
    watched.page.context.close()
    assert problems == []
