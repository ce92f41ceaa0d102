"""What a supervisor decides: limits, damaged accounts, and the sessions of others."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from tests.admin import account_url, logged_in
from tests.api import make_user
from tests.browser.api import Api
from tests.browser.counter import ACCOUNT, press, submit, with_reason
from tests.browser.seats import seat
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite


def test_a_large_overdraft_limit_takes_a_second_person(sit: Sit, api: Api) -> None:
    account = api.open_account("Petra Lindqvist", "40.00")
    page = sit("susan").open(ACCOUNT.format(account), until="load")
    press(page, "Overdraft limit")
    expect(page.get_by_text("It is 0.00 USD now.")).to_be_visible()
    page.get_by_label("Overdraft limit").fill("15,000.00")
    page.get_by_label("Reason").fill("A new roof")
    submit(page, "Change the overdraft limit")
    expect(page.get_by_text("A limit of 15,000.00 USD waits for a second person.")).to_be_visible()
    watched = sit("admin")
    page = watched.open("/admin/approvals/", until="load")
    card = page.locator("article", has_text="A new roof")
    expect(card).to_contain_text("susan")
    card.get_by_role("link", name="Approve").click()
    for words in ("Petra Lindqvist", "A new roof", "15,040.00 USD available"):
        expect(page.get_by_text(words).first).to_be_visible()
    submit(page, "Approve")
    assert watched.path == "/admin/approvals/"
    expect(page.get_by_text("is 15,000.00 USD.")).to_be_visible()
    assert api.get(f"accounts/{account}/")["available_balance"] == "15040.00"


def test_a_damaged_account_pays_after_its_release_and_a_session_ends(
    whole_bank: LiveServer, browser: Browser
) -> None:
    damaged = Account.objects.get(name="Damaged")
    watched = seat(browser, logged_in(make_user("susan", role="supervisor")), whole_bank.url)
    page = watched.open(account_url(damaged), until="load")
    expect(page.get_by_text("M2.balance_is_not_the_last").first).to_be_visible()
    press(page, "Withdraw")
    page.get_by_label("Amount in USD").fill("3")
    submit(page, "Preview")
    expect(page.get_by_text("until its books are examined").first).to_be_visible()
    page = watched.open(account_url(damaged), until="load")
    with_reason(page, "Release debits", "Counted by hand")
    expect(page.get_by_text("in spite of the damage")).to_be_visible()
    press(page, "Withdraw")
    page.get_by_label("Amount in USD").fill("3")
    submit(page, "Preview")
    submit(page, "Confirm")
    expect(page.get_by_role("status").first).to_be_visible()
    damaged.refresh_from_db()
    assert (damaged.balance, damaged.debits_held) == (5, False)

    other = logged_in(User.objects.get(username="teller-a"))
    assert other.get("/admin/").status_code == 200
    page = watched.open("/admin/sessions/", until="load")
    row = page.locator("tbody tr").filter(has_text="teller-a")
    row.get_by_role("button", name="End").click()
    expect(page.get_by_text("Ended: a session of teller-a.")).to_be_visible()
    expect(row).to_have_count(0)
    assert other.get("/admin/").status_code == 302
    page = watched.open("/admin/audit/?who=susan", until="load")
    expect(page.get_by_text("Ended a session.").first).to_be_visible()
    watched.assert_clean()
