"""Approvals at scale: the table, several decisions at once, and the number in the tab's title."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.api import Api
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite


def test_several_are_decided_by_one_reason(sit: Sit, api: Api) -> None:
    account = api.open_account("Mira Castellan", "5.00")
    teller = sit("tessa")
    for amount in ("11000.00", "12000.00"):
        page = teller.open(f"/admin/accounts/account/{account}/deposit", until="load")
        page.get_by_label("Amount in USD").fill(amount)
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Confirm").click()
        page.wait_for_load_state("load")
        expect(page.locator(".bank-messages")).to_be_focused()
    watched = sit("susan")
    page = watched.open("/admin/approvals/", until="load")
    expect(page).to_have_title(re.compile(r"^\(\d+\) Approvals"))
    page.get_by_role("link", name="See the movements as a table").click()
    page.goto(f"{page.url}&made_by=tessa&amount_from=11000&amount_to=12000")
    boxes = page.locator("#result_list tbody input[type=checkbox]")
    assert boxes.count() >= 2
    for box in (boxes.nth(0), boxes.nth(1)):
        box.check()
    page.locator("select[name=action]").select_option("approve_selected")
    page.get_by_role("button", name="Run").click()
    page.get_by_label("Reason").fill("Seen the papers of both")
    page.get_by_role("button", name=re.compile("^Approve 2")).click()
    expect(page.get_by_role("status").filter(has_text="2 done.")).to_be_visible()
    assert api.balance(account) == "23005.00"


def test_an_open_tab_counts_what_comes_and_a_hidden_one_asks_nothing(sit: Sit, api: Api) -> None:
    account = api.open_account("Tycho Marl", "5.00")
    page = sit("aldo").open("/admin/statistics/", until="load")
    before = re.match(r"\((\d+)\)", page.title())
    waiting = int(before[1]) if before else 0
    asked: list[str] = []
    # Fonts and icons may come late; they are no questions.
    page.on("request", lambda one: asked.append(one.url) if "/admin/" in one.url else None)
    api.deposit(account, "15000.00")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title(re.compile(rf"^\({waiting + 1}\) Statistics"))
    expect(page.locator("#nav-sidebar-apps [data-count]").first).to_have_text(str(waiting + 1))
    assert [url.split("/admin/")[1] for url in asked] == ["approvals/waiting/"]
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(500)
    assert len(asked) == 1
