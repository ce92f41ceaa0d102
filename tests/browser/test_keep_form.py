"""A form that is sent after the end of a session: what was written returns after the login."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.api import Api
from tests.browser.counter import ACCOUNT, TRANSACTION, press, submit
from tests.browser.watched import Sit, Watched
from tests.demo_bank import DemoBank

pytestmark = pytest.mark.sqlite


def end_session(page: Page) -> None:
    """As if the server had ended it: the browser's cookie names none any more."""
    for cookie in page.context.cookies():
        if cookie["name"] == "sessionid":
            page.context.add_cookies([{**cookie, "value": "x" * 32}])  # type: ignore[list-item]


def log_in_again(page: Page, username: str, password: str) -> None:
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", password)
    page.click("#login-form [type=submit]")
    page.wait_for_load_state("load")


def written(watched: Watched, account: str) -> Page:
    """The form of a deposit, filled in and sent after the end of the session."""
    page = watched.open(ACCOUNT.format(account), until="load")
    press(page, "Deposit")
    page.get_by_label("Amount in USD").fill("17.35")
    page.get_by_label("Description").fill("From the tin")
    end_session(page)
    submit(page, "Preview")
    expect(page.get_by_text("Nothing was done")).to_be_visible()
    return page


def test_what_was_written_returns_after_the_login_and_is_done_once(
    sit: Sit, api: Api, bank: DemoBank
) -> None:
    account = api.open_account("Ilse Brandt", "5.00")
    watched = sit()
    watched.log_in("tessa", bank.passwords["tessa"])
    page = written(watched, account)
    log_in_again(page, "tessa", "wrong")
    log_in_again(page, "tessa", bank.passwords["tessa"])
    expect(page.get_by_label("Amount in USD")).to_have_value("17.35")
    expect(page.get_by_label("Description")).to_have_value("From the tin")
    submit(page, "Preview")
    submit(page, "Confirm")
    expect(page.locator(".bank-messages")).to_be_visible()
    assert api.balance(account) == "22.35"
    press(page, "Deposit")
    expect(page.get_by_label("Amount in USD")).to_have_value("")
    assert page.evaluate("sessionStorage.length") == 0


def test_nobody_else_finds_it_and_a_logout_forgets_it(sit: Sit, api: Api, bank: DemoBank) -> None:
    account = api.open_account("Ilse Brandt", "5.00")
    watched = sit()
    watched.log_in("tessa", bank.passwords["tessa"])
    page = written(watched, account)
    log_in_again(page, "susan", bank.passwords["susan"])
    expect(page.get_by_label("Amount in USD")).to_have_value("")
    assert page.evaluate("sessionStorage.getItem('bank-form')") is None
    page = written(watched, account)
    watched.open("/admin/login/", until="load")
    assert page.evaluate("sessionStorage.getItem('bank-form')") is None


def test_the_next_user_of_the_tab_finds_nothing_by_back(sit: Sit, api: Api, bank: DemoBank) -> None:
    account = api.open_account("Ilse Brandt", "5.00")
    watched = sit()
    watched.log_in("tessa", bank.passwords["tessa"])
    page = watched.open(ACCOUNT.format(account), until="load")
    press(page, "Deposit")
    key = page.locator("input[name=key]").input_value()
    page.get_by_label("Amount in USD").fill("17.35")
    page.reload()
    expect(page.get_by_label("Amount in USD")).to_have_value("17.35")
    end_session(page)
    watched.open("/admin/login/", until="load")
    log_in_again(page, "susan", bank.passwords["susan"])
    page.go_back()
    page.go_back()
    expect(page.get_by_label("Amount in USD")).to_have_value("")
    assert page.locator("input[name=key]").input_value() != key
    assert "17.35" not in page.evaluate("JSON.stringify(history.state)")


def test_a_customer_s_data_are_not_left_in_the_browser(sit: Sit, bank: DemoBank) -> None:
    watched = sit()
    watched.log_in("tessa", bank.passwords["tessa"])
    page = watched.open("/admin/customers/customer/register/", until="load")
    page.get_by_label("Name").fill("Ilse Brandt")
    page.get_by_label("Phone").fill("+44 20 7946 0958")
    page.reload()
    expect(page.get_by_label("Phone")).to_have_value("+44 20 7946 0958")
    end_session(page)
    submit(page, "Register a customer")
    expect(page.get_by_text("Nothing was done")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    log_in_again(page, "tessa", bank.passwords["tessa"])
    expect(page.get_by_label("Phone")).to_have_value("")


def test_the_reason_of_a_decision_returns_to_what_the_page_shows_then(
    sit: Sit, api: Api, bank: DemoBank
) -> None:
    account = api.open_account("Ilse Brandt", "5.00")
    asked = api.deposit(account, "12000.00")["transaction_id"]
    watched = sit()
    watched.log_in("admin", bank.passwords["admin"])
    page = watched.open(f"{TRANSACTION.format(asked)[:-7]}approve", until="load")
    page.get_by_label("Reason").fill("Seen the papers")
    end_session(page)
    submit(page, "Approve")
    api.deposit(account, "1.25")  # Another balance: not what the first page showed.
    log_in_again(page, "admin", bank.passwords["admin"])
    expect(page.get_by_label("Reason")).to_have_value("Seen the papers")
    assert "12,006.25" in page.locator("input[name=foreseen]").input_value()
    submit(page, "Approve")
    expect(page.get_by_text("Approved: deposit of 12,000.00 USD to Ilse Brandt.")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    # So does that of several at once, with their selection.
    api.deposit(account, "13000.00")
    watched.open(f"/admin/transactions/transaction/?account={account}&approval=waits", until="load")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Approve selected")
    submit(page, "Run")
    page.get_by_label("Reason").fill("Seen these, too")
    end_session(page)
    submit(page, "Approve 1 transaction")
    api.deposit(account, "2.50")
    log_in_again(page, "admin", bank.passwords["admin"])
    submit(page, "Show the selection")
    expect(page.get_by_label("Reason")).to_have_value("Seen these, too")
    expect(page.get_by_role("region", name="Selected transactions")).to_contain_text("25,008.75")
    submit(page, "Approve 1 transaction")
    expect(page.get_by_text("1 done.")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_note_returns_too_and_is_kept_once(sit: Sit, api: Api, bank: DemoBank) -> None:
    account = api.open_account("Ilse Brandt", "5.00")
    watched = sit()
    watched.log_in("tessa", bank.passwords["tessa"])
    page = watched.open(ACCOUNT.format(account), until="load")
    page.get_by_text("Write a note").click()
    page.locator("textarea[name=text]").fill("Wants a letter")
    page.reload()
    expect(page.locator("textarea[name=text]")).to_be_visible()
    expect(page.locator("textarea[name=text]")).to_have_value("Wants a letter")
    end_session(page)
    submit(page, "Keep the note")
    expect(page.get_by_text("Nothing was done")).to_be_visible()
    log_in_again(page, "tessa", bank.passwords["tessa"])
    expect(page.locator("textarea[name=text]")).to_have_value("Wants a letter")
    submit(page, "Write a note")
    expect(page.get_by_text("The note is kept.")).to_be_visible()
    assert page.locator(".bank-note-text").all_inner_texts() == ["Wants a letter"]
    assert page.evaluate("sessionStorage.length") == 0
