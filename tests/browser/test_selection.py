"""Several transactions at once: the selected rows are exported, retried and reversed row by row."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.api import Api
from tests.browser.counter import submit
from tests.browser.inspection import inspect
from tests.browser.sheets import read_sheet
from tests.browser.watched import Sit, Watched

pytestmark = pytest.mark.sqlite


def select_all(watched: Watched, words: str, action: str) -> Page:
    """Selects all transactions with these words."""
    page = watched.open(f"/admin/transactions/transaction/?q={words}", until="load")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label=action)
    return page


@pytest.mark.parametrize("file_format", ["CSV", "XLSX"])
def test_what_is_selected_is_saved(file_format: str, sit: Sit, api: Api) -> None:
    words = f"Stamps{file_format}"
    account = api.open_account("Ezra Whitlock", "60.00")
    for amount in ("1.10", "2.20", "3.30"):
        api.deposit(account, amount, description=words)
    page = select_all(sit("aldo"), words, f"Export selected as {file_format}")
    with page.expect_download() as saving:
        page.get_by_role("button", name="Run").click()
    header, *rows = read_sheet(saving.value)
    amount = header.index("Amount")
    assert sorted(float(row[amount]) for row in rows) == [1.1, 2.2, 3.3]


def test_each_selected_row_is_retried_and_told_of(sit: Sit, api: Api) -> None:
    """One account has the money by now, the other has not."""
    rich = api.open_account("Lena Forsberg", "5.00")
    poor = api.open_account("Otto Marsh", "5.00")
    for account, amount in ((rich, "40.00"), (poor, "41.00")):
        api.refused_withdrawal(account, amount, description="Bicycles")
    api.deposit(rich, "50.00")
    watched = sit("susan")
    page = select_all(watched, "Bicycles", "Retry selected")
    submit(page, "Run")
    page.get_by_label("Reason").fill("Payday")
    inspect(watched)
    submit(page, page.locator("#content form [type=submit]").first.inner_text())
    outcome = page.get_by_role("region", name="Results")
    expect(outcome.locator("tbody tr")).to_have_count(2)
    expect(outcome.locator("tbody tr", has_text="41.00")).to_contain_text("Insufficient funds")
    inspect(watched)
    assert (api.balance(rich), api.balance(poor)) == ("15.00", "5.00")
    assert api.history(rich)[1] == ("WITHDRAW", "COMPLETED", "40.00", None)
