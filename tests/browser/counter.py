"""Actions of staff on an account's page, by the labels of its buttons."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.watched import Watched

ACCOUNT = "/admin/accounts/account/{}/change/"
TRANSACTION = "/admin/transactions/transaction/{}/change/"


def buttons(page: Page) -> Locator:
    """The buttons of an account or a transaction, also those behind "More", which it opens."""
    found = _buttons(page)
    more = found.locator("details:not([open]) > summary")
    if more.count():
        more.click()
    return found.get_by_role("link")


def _buttons(page: Page) -> Locator:
    return page.get_by_role("navigation", name=re.compile("^What you can do"))


def press(page: Page, name: str) -> None:
    """Presses the only button with this name on the page of an account or a transaction."""
    _buttons(page).wait_for()  # Else the page before may still be open, which has no "More".
    buttons(page).filter(has_text=re.compile(rf"(^|\s){name}\s*$")).click()
    page.wait_for_load_state("load")


def submit(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state("load")


def move(
    watched: Watched,
    account_id: str,
    button: str,
    amount: str,
    *,
    to: str = "",
    description: str = "",
) -> Page:
    """Goes from the account's page to the preview of a deposit, withdrawal or transfer."""
    page = watched.open(ACCOUNT.format(account_id), until="load")
    press(page, button)
    if to:
        page.get_by_label("To account").fill(to)
    page.get_by_label("Amount in USD").fill(amount)
    page.get_by_label("Description").fill(description)
    submit(page, "Preview")
    expect(page.get_by_role("heading", name=f"{button}: preview").first).to_be_attached()
    return page


def with_reason(page: Page, button: str, reason: str, *, confirm: str = "") -> None:
    """Presses a button whose form asks for a reason, and submits the form."""
    press(page, button)
    page.get_by_label("Reason").fill(reason)
    submit(page, confirm or button)


def balances(page: Page) -> list[list[str]]:
    """Side, present balance and new balance for each row of the preview."""
    rows = page.locator("table.bank-table tbody tr")
    return [
        [cell.strip() for cell in (row.locator("td").nth(n).inner_text() for n in (0, 2, 3))]
        for row in rows.all()
    ]


def focus_by_tab(page: Page, words: str) -> None:
    """Presses Tab until a control with exactly these words has the focus.

    The body itself has the focus while a menu opens. It contains every word, so it does not count.
    """
    for _ in range(80):
        page.keyboard.press("Tab")
        text = "document.activeElement === document.body ? '' : document.activeElement.innerText"
        if words in page.evaluate(text).strip().split("\n"):
            return
    raise AssertionError(f"{words} is not to be reached by Tab")
