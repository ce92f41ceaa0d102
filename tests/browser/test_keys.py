"""The console by keys alone: past the menu, to a transfer, and to the help."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.api import Api
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite

# From the top of an account's page to the transfer.
_MOST_TABS = 6


def focused(page: Page) -> str:
    """The words of the focused element."""
    words: str = page.evaluate("document.activeElement.innerText?.trim() ?? ''")
    return words


def test_a_transfer_is_six_tabs_from_the_top_of_an_accounts_page(api: Api, sit: Sit) -> None:
    account = api.open_account("Edith Clarke", "10.00")
    page = sit("tessa").open(f"/admin/accounts/account/{account}/change/", until="load")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the page"
    expect(page.locator(".bank-skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    for _ in range(_MOST_TABS - 1):
        page.keyboard.press("Tab")
        if focused(page).endswith("Transfer"):
            break
    else:
        pytest.fail(f"no Transfer within {_MOST_TABS} Tabs")
    page.keyboard.press("Enter")
    page.wait_for_url("**/transfer/")


def test_the_question_mark_opens_what_the_help_says_of_the_page(sit: Sit) -> None:
    watched = sit("tessa")
    page = watched.open("/admin/approvals/", until="load")
    page.keyboard.press("?")
    page.wait_for_url("**/admin/help/#approvals")
    expect(page.locator("#approvals")).to_be_in_viewport()
    page = watched.open("/admin/accounts/account/", until="load")
    page.locator("#searchbar").press_sequentially("?")
    assert watched.path == "/admin/accounts/account/", "typed, not a command"


def test_keys_open_and_close_the_menu_of_a_telephone(sit: Sit) -> None:
    page = sit("tessa").open("/admin/", until="load")
    page.set_viewport_size({"width": 390, "height": 900})
    opener = page.locator("#menu-opener")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Accounts", exact=True)).to_be_visible()
    page.get_by_role("button", name="Close the menu").press("Enter")
    expect(page.get_by_role("link", name="Accounts", exact=True)).to_be_hidden()
    expect(opener).to_be_focused()
