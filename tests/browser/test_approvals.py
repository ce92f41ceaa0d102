"""Four eyes: a large movement waits for a second person, who is never its maker."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.api import Api
from tests.browser.counter import TRANSACTION, buttons, move, submit, with_reason
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite


def waiting(page: Page) -> int:
    """The number beside Approvals in the navigation."""
    page.get_by_role("link", name="Approvals").first.wait_for()
    words = page.get_by_role("link", name="Approvals").first.inner_text().split()
    return int(words[-1]) if words[-1].isdigit() else 0


def test_a_second_person_approves_what_its_maker_may_not(sit: Sit, api: Api) -> None:
    account = api.open_account("Ulla Brenner", "100.00")
    maker = sit("susan")
    page = move(maker, account, "Deposit", "12000.00", description="House sold")
    expect(page.get_by_text("waits until a second person approves it")).to_be_visible()
    submit(page, "Confirm")
    assert api.balance(account) == "100.00"
    assert api.history(account)[0] == ("DEPOSIT", "PENDING", "12000.00", None)
    transaction = api.get(f"accounts/{account}/transactions/")["results"][0]["transaction_id"]

    # Her approvals page shows it without a button, and refuses the address typed by hand.
    page = maker.open("/admin/approvals/", until="load")
    card = page.locator("article", has_text="House sold")
    expect(card).to_contain_text("You asked for this, so someone else decides.")
    expect(card.get_by_role("link", name="Approve")).to_have_count(0)
    answer = page.goto(f"{maker.url}/admin/transactions/transaction/{transaction}/approve")
    assert answer is not None
    if answer.status == 200:  # The dry run is refused, so the page has no button.
        expect(page.get_by_text("Nobody decides on their own request.").first).to_be_visible()
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    else:
        assert answer.status == 403
        maker.expect_refusal(403)
    assert api.history(account)[0][1] == "PENDING"

    other = sit("admin")
    page = other.open("/admin/approvals/", until="load")
    card = page.locator("article", has_text="House sold")
    expect(card).to_contain_text("12,100.00")
    card.get_by_role("link", name="Approve").click()
    page.get_by_label("Reason").fill("Contract seen")
    submit(page, "Approve")
    assert other.path == "/admin/approvals/"
    assert api.balance(account) == "12100.00"
    expect(page.locator("article", has_text="House sold")).to_have_count(0)


def test_a_teller_sees_that_a_supervisor_decides(sit: Sit, api: Api) -> None:
    account = api.open_account("Viktor Salo")
    watched = sit("tessa")
    submit(move(watched, account, "Deposit", "10000.00", description="Inheritance"), "Confirm")
    page = watched.open("/admin/approvals/", until="load")
    assert waiting(page) >= 1
    card = page.locator("article", has_text="Inheritance")
    expect(card.get_by_role("link", name="Approve")).to_have_count(0)
    transaction = api.get(f"accounts/{account}/transactions/")["results"][0]["transaction_id"]
    assert watched.status_of(f"/admin/transactions/transaction/{transaction}/approve") == 403

    page = sit("susan").open(TRANSACTION.format(transaction), until="load")
    assert "Approve" in " ".join(buttons(page).all_inner_texts())
    with_reason(page, "Reject", "No papers")
    assert api.history(account) == [("DEPOSIT", "FAILED", "10000.00", "rejected")]
    assert api.balance(account) == "0.00"
