"""All pages of the console pass the inspection: accessible, light and dark, wide and narrow."""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver

from tests.browser.counter import press
from tests.browser.inspection import findings, inspect, overhang_at
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite

_ROW = "#result_list tbody :is(th, td) a[href*='/change/'], #result_list tbody th a"

PAGES = [
    "/admin/login/",
    "/admin/",
    "/admin/approvals/",
    "/admin/search/?q=Ada",
    "/admin/audit/",
    "/admin/audit/?what=login",
    "/admin/jobs/",
    "/admin/analytics/",
    "/admin/analytics/?query=volume_by_day&currency=USD",
    "/admin/analytics/?query=account_at_month_ends&account=1",
    "/admin/statistics/",
    "/admin/statistics/?interval=hour&currency=USD",
    "/admin/statistics/?first_day=2026-02-01&last_day=2026-01-01",
    "/admin/accounts/account/?q=Nobody",
    "/admin/accounts/account/open-account",
    "/admin/auth/user/add/",
    "/admin/auth/group/add/",
    "/admin/password_change/",
    "/admin/help/",
    "/admin/sessions/",
    "/admin/authenticator/",
]
# Lists. The page of their first row is inspected too.
LISTS = [
    "/admin/accounts/account/",
    "/admin/accounts/accountevent/",
    "/admin/accounts/limitrequest/",
    "/admin/customers/customer/",
    "/admin/customers/customerevent/",
    "/admin/transactions/transaction/",
    "/admin/transactions/transaction/?status__exact=FAILED",
    "/admin/transactions/transaction/?status__exact=PENDING",
    "/admin/transactions/transactionevent/",
    "/admin/transactions/hold/",
    "/admin/transactions/note/",
    "/admin/transactions/entry/",
    "/admin/desk/deskfile/",
    "/admin/transactions/batch/",
    "/admin/transactions/archiverun/",
    "/admin/transactions/verification/",
    "/admin/statements/statement/",
    "/admin/seals/seal/",
    "/admin/webhooks/endpoint/",
    "/admin/webhooks/delivery/",
    "/admin/auth/user/",
    "/admin/auth/group/",
    "/admin/clients/apiclient/",
    "/admin/oauth2_provider/accesstoken/",
    "/admin/otp_totp/totpdevice/",
    "/admin/axes/accesslog/",
    "/admin/axes/accessfailurelog/",
]
# Forms behind the buttons of a page: the list in which to open the first row, and the button.
BUTTONS = [
    ("/admin/accounts/account/?q=Grace", "Deposit"),
    ("/admin/accounts/account/?q=Grace", "Transfer"),
    ("/admin/accounts/account/?q=Grace", "Export"),
    ("/admin/accounts/account/?q=Grace", "Freeze"),
    ("/admin/transactions/transaction/?q=Takings", "Reverse"),
    ("/admin/transactions/transaction/?q=Supplier", "Retry"),
]
MONEY = {"Deposit", "Withdraw", "Transfer"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page(path: str, sit: Sit) -> None:
    watched = sit("" if "login" in path and "audit" not in path else "admin")
    watched.open(path, until="load")
    inspect(watched)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_and_the_page_of_its_first_row(path: str, sit: Sit) -> None:
    watched = sit("admin")
    page = watched.open(path, until="load")
    inspect(watched)
    rows = page.locator(_ROW)
    if rows.count():
        page.set_viewport_size({"width": 1280, "height": 1000})
        rows.first.click()
        page.wait_for_url("**/change/**", wait_until="load")
        assert watched.path != path.partition("?")[0]
        inspect(watched)


@pytest.mark.parametrize(("path", "button"), BUTTONS)
def test_a_form_behind_a_button(path: str, button: str, sit: Sit) -> None:
    watched = sit("admin")
    page = watched.open(path, until="load")
    page.locator(_ROW).first.click()
    press(page, button)
    assert page.get_by_role("button").filter(has_text="Preview").count() == (button in MONEY)
    inspect(watched)


def test_no_list_is_left_out() -> None:
    """The inspection must cover every model that is registered with the admin."""
    inspected = {path.partition("?")[0] for path in LISTS}
    assert set(_lists(admin.site.get_urls()[:])) <= inspected


def _lists(patterns: list[URLPattern | URLResolver], prefix: str = "/admin/") -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _lists(pattern.url_patterns, path)
        elif re.search(r"_changelist$", pattern.name or ""):
            yield path


def test_the_inspection_finds_what_is_wrong(sit: Sit) -> None:
    """The control of the tests above: a field without a label, pale text, small targets, and a page
    that is too wide.
    """
    watched = sit()
    page = watched.open("/admin/login/")
    page.evaluate(
        """() => {
            const wrong = document.createElement("div");
            wrong.innerHTML = '<input name="nameless">'
                + '<p style="color: #ccc; width: 600px">Pale</p>'
                + '<button style="width: 9px; height: 9px" aria-label="Near"></button>'.repeat(2);
            document.body.append(wrong);
        }"""
    )
    found = "\n".join(findings(page))
    assert "nameless" in found or "label (" in found
    assert "color-contrast (" in found
    assert "target-size (" in found
    assert overhang_at(page, 390) > 0
