"""Every page of the console, by its routes: axe-core finds nothing, targets included.

`test_pages` looks at the pages of a busy bank more closely. Here no route is left out, and the bank
has what each button needs.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import product

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Browser, expect
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

pytestmark = pytest.mark.sqlite

# Routes without a page of their own: answers to scripts, files, and ways to a list.
_NO_PAGES = {
    "home", "metrics", "approvals-waiting", "transfer-targets", "logout", "jsi18n", "autocomplete",
    "view_on_site", "transactions_selected", "jobs-run",
    "audit-export", "statistics-export", "analytics-export", "receipt",
    "accounts_account_list_export",
    "transactions_entry_export", "transactions_transaction_export",
    "statements_statement_download_pdf", "statements_statement_download_xlsx",
    "statements_statement_download_csv", "statements_statement_download_json",
    "statements_statement_download_camt053",
    "transactions_batch_transactions", "auth_user_accounts", "customers_customer_open_account",
    *(f"accounts_account_{of}" for of in ("transactions", "entries", "statements")),
}  # fmt: skip
# Nobody adds or deletes rows of most lists.
_FOR_NOBODY = ("_add", "_delete", "app_list")
# These need more than a row: see below.
_BY_HAND = {"first_password", "verify", "write-note"}


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


def _is_page(client: Client, url: str) -> bool:
    answer = client.get(url)
    return answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")


def pages(client: Client) -> dict[str, str]:
    """The URL of a page of each route that `test_pages` does not open, by its name; "" where no
    row has one.
    """
    names = {name for name in _names(get_resolver().url_patterns) if name}
    inspected = {path.partition("?")[0] for path in (*PAGES, *LISTS)}
    found = {}
    for name in sorted(names - _NO_PAGES - _BY_HAND):
        urls = list(_urls(name))
        if urls and urls[0] not in inspected:
            found[name] = next((url for url in urls if _is_page(client, url)), "")
    return found


def further_pages(client: Client) -> list[str]:
    account = Account.objects.filter(status="ACTIVE", balance__gt=100)[0]
    draft = client.post(account_url(account, "deposit"), {"amount": "5", "key": str(account.pk)})
    digest = Statement.objects.values_list("digest", flat=True)[0]
    return [
        draft["Location"],
        reverse("write-note", args=["account", account.pk]),
        *(reverse("verify", args=[text]) for text in (digest, "0" * 64, "x")),
    ]


def test_axe_finds_nothing_on_any_page(
    whole_bank: LiveServer, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = logged_in(User.objects.create_superuser("admin"))
    found = pages(client)
    assert [one for one in found if not found[one] and not one.endswith(_FOR_NOBODY)] == []
    watched = seat(browser, client, whole_bank.url)
    problems = []
    for path in [*filter(None, found.values()), *further_pages(client)]:
        watched.page.goto(f"{whole_bank.url}{path}", wait_until="load")
        problems += looked_at(watched)
    watched.expect_refusal(404)  # Digests that nobody knows.
    watched.expect_refusal(400)
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
    assert problems == []
    watched.assert_clean()


def test_axe_finds_nothing_on_the_page_of_the_first_password(
    whole_bank: LiveServer, browser: Browser
) -> None:
    user = make_user("fresh", role="teller")
    client = Client()
    given = one_time.give(user, by="test")
    client.post(reverse("admin:login"), {"username": "fresh", "password": given})
    watched = seat(browser, client, whole_bank.url)
    watched.open("/admin/first-password/", until="load")
    assert looked_at(watched) == []
    watched.assert_clean()
