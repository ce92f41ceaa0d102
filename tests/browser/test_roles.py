"""The console as each role: its visible pages and buttons, and the refused ones."""

import pytest
from playwright.sync_api import Locator

from tests.browser.api import Api
from tests.browser.counter import ACCOUNT, TRANSACTION, buttons
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite

BANK = [
    "Today", "Statistics", "Analytics", "Customers", "Accounts", "Transactions", "Approvals",
    "Overdraft limits", "Failed", "Holds", "Notes", "Entries", "Statements", "Files", "Batches",
    "Archive", "Jobs", "Webhooks", "Deliveries",
]  # fmt: skip
RECORDS = ["Account events", "Customer events", "Transaction events", "Verifications", "Seals"]
OVERSIGHT = [
    "API clients", "Access tokens", "Users", "Groups", "Second factor", "Logins", "Failed logins",
    "Audit log",
]  # fmt: skip

MONEY = {
    "Deposit": "deposit", "Withdraw": "withdraw", "Transfer": "transfer", "Hold": "hold",
    "Rename": "rename",
}  # fmt: skip
READING = {"Export": "export"}
# An account that holds money has no button to close it.
DECISIONS = {"Freeze": "freeze", "Overdraft limit": "overdraft-limit"}
ALL_OF_AN_ACCOUNT = MONEY | READING | DECISIONS
RETRY, REVERSE = {"Retry": "retry"}, {"Reverse": "reverse"}

# The pages of a role, and its buttons on an account, a failed and a completed transaction.
ROLES = {
    "tessa": (BANK + RECORDS, MONEY | READING, RETRY, {}),
    "susan": (BANK + OVERSIGHT + RECORDS, ALL_OF_AN_ACCOUNT, RETRY, REVERSE),
    "aldo": (BANK + OVERSIGHT + RECORDS, READING, {}, {}),
}
BEYOND_TELLERS = ["/admin/audit/", "/admin/auth/user/", "/admin/clients/apiclient/"]


def title_of(link: Locator) -> str:
    """The link's words, without the icon's name before them and the count after them."""
    lines = [line.strip() for line in link.inner_text().split("\n") if line.strip()]
    return [line for line in lines if not line.isdigit()][-1] if lines else ""


@pytest.mark.parametrize("username", ROLES)
def test_a_role_sees_its_pages_and_buttons_and_no_others(username: str, sit: Sit, api: Api) -> None:
    pages, of_account, of_failed, of_completed = ROLES[username]
    watched = sit(username)
    account = api.open_account("Zoe Adler", "30.00")
    completed = api.deposit(account, "4.00")["transaction_id"]
    failed = api.get("transactions/?failure_code=insufficient_funds")["results"][0]
    page = watched.open("/admin/", until="load")
    assert [title for title in map(title_of, page.locator("nav li a").all()) if title] == pages

    for path, allowed, every in (
        (ACCOUNT.format(account), of_account, ALL_OF_AN_ACCOUNT),
        (TRANSACTION.format(failed["transaction_id"]), of_failed, RETRY),
        (TRANSACTION.format(completed), of_completed, REVERSE),
    ):
        page = watched.open(path, until="load")
        shown = {title_of(button) for button in buttons(page).all()}
        assert shown & every.keys() == allowed.keys(), path
        for name, slug in every.items():
            status = watched.status_of(path.replace("change/", slug))
            assert status == (200 if name in allowed else 403), (path, slug)
    for path in BEYOND_TELLERS:
        assert watched.status_of(path) == (403 if username == "tessa" else 200), path


@pytest.mark.parametrize("username", ["tessa", "susan", "aldo", "admin"])
def test_nobody_adds_or_deletes_rows_of_the_ledger(username: str, sit: Sit, api: Api) -> None:
    """Tries the addresses of Django's admin for it, also as a superuser."""
    watched = sit(username)
    transaction = api.get("transactions/")["results"][0]["transaction_id"]
    page = watched.open(TRANSACTION.format(transaction), until="load")
    # A note stands beside the row.
    fields = page.locator("#content input:not([type=hidden]), #content textarea")
    assert fields.count() == page.locator("details.bank-write").locator("textarea").count() <= 1
    for path in (
        "/admin/transactions/transaction/add/",
        f"/admin/transactions/transaction/{transaction}/delete/",
        "/admin/transactions/entry/add/",
        "/admin/accounts/accountevent/add/",
    ):
        assert watched.status_of(path) == 403, path


def test_who_is_not_of_the_staff_gets_no_further_than_the_login(sit: Sit) -> None:
    watched = sit()
    watched.log_in("ada", "counter-window-lamp-27")
    assert watched.path == "/admin/login/"
    for path in ("/admin/", "/admin/audit/", "/admin/accounts/account/"):
        watched.open(path)
        assert watched.path == "/admin/login/"
