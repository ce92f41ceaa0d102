"""The search across the bank, by keys: what it shows, opens and says."""

import pytest
from playwright.sync_api import expect

from tests.browser.api import Api
from tests.browser.counter import ACCOUNT
from tests.browser.inspection import inspect
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite


def test_ctrl_k_finds_and_enter_opens(sit: Sit, api: Api) -> None:
    account = api.open_account("Xenia Quill", "77.31")
    api.open_account("Xenia Quince", "1.00")
    watched = sit("susan")
    page = watched.open("/admin/approvals/", until="load")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search accounts")
    expect(box).to_be_focused()
    page.keyboard.type("qui xenia")
    options = page.get_by_role("option")
    expect(options).to_have_count(2)
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".bank-search [role=status]")).to_have_text("2 found")
    inspect(watched)
    names = [option.locator("strong").inner_text() for option in options.all()]
    assert names == ["Xenia Quill", "Xenia Quince"]
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    chosen = options.nth(1)
    expect(chosen).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{ACCOUNT.format(account)}")


def test_nothing_found_is_said(sit: Sit) -> None:
    page = sit("tessa").open("/admin/", until="load")
    box = page.get_by_role("combobox", name="Search accounts")
    box.fill("qqqqqqqq")
    expect(page.get_by_text("Nothing found.", exact=True)).to_be_visible()
    expect(page.locator(".bank-search [role=status]")).to_have_text("Nothing found")
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing found.", exact=True)).to_be_hidden()
    box.press("Enter")
    page.wait_for_url("**/admin/search/?q=qqqqqqqq")
    expect(page.get_by_text("Nothing found for “qqqqqqqq”.")).to_be_visible()
