"""A day at the counter: money in and out, refusals and their follow-up, downloaded files."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.api import Api
from tests.browser.counter import (
    ACCOUNT,
    balances,
    buttons,
    focus_by_tab,
    move,
    press,
    submit,
    with_reason,
)
from tests.browser.inspection import inspect
from tests.browser.sheets import read_sheet
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite


def test_open_an_account_find_it_and_deposit(sit: Sit, api: Api) -> None:
    page = sit("tessa").open("/admin/accounts/account/", until="load")
    page.get_by_role("link", name="Open an account").first.click()
    page.get_by_label("Name").fill("Wanda Okafor")
    submit(page, "Open an account")
    page.goto(page.url.split("/admin/")[0] + "/admin/accounts/account/?q=wanda+oka")
    page.locator("#result_list tbody th a").click()
    press(page, "Deposit")
    page.get_by_label("Amount in USD").fill("1234.50")
    page.get_by_label("Description").fill("First wages")
    submit(page, "Preview")
    assert balances(page) == [["To", "0.00 USD", "1,234.50 USD"]]
    account_id = page.url.split("/account/")[1].split("/")[0]
    assert api.history(account_id) == [], "a preview moves nothing"
    submit(page, "Confirm")
    expect(
        page.get_by_text("Deposited 1,234.50 USD. The balance is now 1,234.50 USD.")
    ).to_be_visible()
    assert api.balance(account_id) == "1234.50"
    assert api.history(account_id) == [("DEPOSIT", "COMPLETED", "1234.50", None)]


def test_a_value_date_is_given_foreseen_and_shown(sit: Sit, api: Api) -> None:
    account_id = api.open_account("Ruben Achterberg", "10.00")
    given = datetime.now(UTC) - timedelta(days=3)
    page = sit("tessa").open(ACCOUNT.format(account_id), until="load")
    press(page, "Deposit")
    page.get_by_label("Amount in USD").fill("2.50")
    page.get_by_label("Value date").fill(f"{given:%Y-%m-%dT%H:%M:%S}")
    submit(page, "Preview")
    expect(page.get_by_text(f"Value date {given:%Y-%m-%d %H:%M:%S}")).to_be_visible()
    submit(page, "Confirm")
    expect(page.get_by_text("The balance is now 12.50 USD.")).to_be_visible()
    newest = page.locator("td.bank-when").first
    expect(newest).to_contain_text(f"Value date {given:%Y-%m-%d}")


def test_a_transfer_shows_both_balances_before_it_is_confirmed(sit: Sit, api: Api) -> None:
    source = api.open_account("Milo Vance", "300.00")
    target = api.open_account("Petra Lindqvist", "41.00")
    page = move(sit("tessa"), source, "Transfer", "25.30", to="lindqvist petra")
    assert balances(page) == [
        ["From", "300.00 USD", "274.70 USD"],
        ["To", "41.00 USD", "66.30 USD"],
    ]
    assert (api.balance(source), api.balance(target)) == ("300.00", "41.00")
    submit(page, "Change")
    page.get_by_label("Amount in USD").fill("26.40")
    submit(page, "Preview")
    submit(page, "Confirm")
    expect(page.get_by_text("The balance is now 273.60 USD.")).to_be_visible()
    assert (api.balance(source), api.balance(target)) == ("273.60", "67.40")


def test_what_failed_for_lack_of_funds_is_retried_after_a_deposit(sit: Sit, api: Api) -> None:
    account = api.open_account("Ines Duarte", "20.00")
    watched = sit("tessa")
    page = move(watched, account, "Withdraw", "50.00")
    expect(page.get_by_text("20.00 USD available, 50.00 USD needed.")).to_be_visible()
    submit(page, "Keep it as failed")
    assert api.history(account)[0] == ("WITHDRAW", "FAILED", "50.00", "insufficient_funds")
    page.get_by_role("link", name="Show the failed transaction").click()
    failed = page.url
    submit(move(watched, account, "Deposit", "45.00"), "Confirm")
    assert api.balance(account) == "65.00"
    page.goto(failed)
    with_reason(page, "Retry", "The wages have come in")
    assert page.url.split("?")[0] == failed.split("?")[0]
    assert api.history(account)[1] == ("WITHDRAW", "COMPLETED", "50.00", None)
    assert api.balance(account) == "15.00"
    assert "Retry" not in buttons(page).all_inner_texts()


def test_a_supervisor_reverses_a_deposit_once(sit: Sit, api: Api) -> None:
    account = api.open_account("Olu Mensah", "8.00")
    made = api.deposit(account, "70.00")
    page = sit("susan").open(
        f"/admin/transactions/transaction/{made['transaction_id']}/change/", until="load"
    )
    with_reason(page, "Reverse", "Meant for another customer")
    assert api.balance(account) == "8.00"
    assert api.history(account)[0] == ("REVERSAL", "COMPLETED", "70.00", None)
    # A second reversal gets an error, and moves nothing.
    if "Reverse" in " ".join(buttons(page).all_inner_texts()):
        with_reason(page, "Reverse", "Once more")
        expect(page.get_by_text("has a reversal already")).to_be_visible()
    assert api.balance(account) == "8.00"


def test_a_frozen_account_refuses_a_deposit(sit: Sit, api: Api) -> None:
    account = api.open_account("Rhea Castellan", "12.00")
    page = sit("susan").open(ACCOUNT.format(account), until="load")
    with_reason(page, "Freeze", "The card was stolen")
    expect(page.get_by_text("Frozen: No money can leave or enter the account.")).to_be_visible()
    page = move(sit("tessa"), account, "Deposit", "5.00")
    expect(page.get_by_text("The account is frozen:")).to_be_visible()
    submit(page, "Keep it as failed")
    assert api.balance(account) == "12.00"
    assert api.history(account)[0] == ("DEPOSIT", "FAILED", "5.00", "account_frozen")


def test_an_account_number_with_a_typing_error_names_no_account(sit: Sit, api: Api) -> None:
    source = api.open_account("Tomas Reyes", "90.00")
    page = sit("tessa").open(ACCOUNT.format(source), until="load")
    press(page, "Transfer")
    page.get_by_label("To account").fill("123456789012")
    page.get_by_label("Amount in USD").fill("1,5")
    submit(page, "Preview")
    expect(page.get_by_label("To account")).to_be_focused()
    assert page.locator("#id_target_error").inner_text() == "This number has a typing error."
    assert page.locator("#id_amount_error").inner_text()
    assert api.history(source) == [("DEPOSIT", "COMPLETED", "90.00", None)]


def test_the_target_is_suggested_and_back_keeps_the_form(sit: Sit, api: Api) -> None:
    source = api.open_account("Vera Nakamura", "90.00")
    target = api.open_account("Yusuf Zimmer", "1.00")
    watched = sit("tessa")
    page = watched.open(ACCOUNT.format(source), until="load")
    press(page, "Transfer")
    field = page.get_by_label("To account")
    page.keyboard.type("zimm")
    option = page.get_by_role("option")
    expect(option).to_have_count(1)
    expect(option).to_contain_text("USD, Active")
    inspect(watched)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(option).to_be_hidden()
    number = field.input_value()
    assert len(number) == 12
    page.get_by_label("Amount in USD").fill(" 1.50 ")
    submit(page, "Preview")
    assert balances(page)[1] == ["To", "1.00 USD", "2.50 USD"]
    page.reload()
    assert balances(page)[1] == ["To", "1.00 USD", "2.50 USD"]
    page.go_back()
    expect(field).to_have_value(number)
    expect(page.get_by_label("Amount in USD")).to_have_value(" 1.50 ")
    page.go_forward()
    submit(page, "Confirm")
    assert api.balance(target) == "2.50"
    page.go_back()
    page.wait_for_url(f"**{ACCOUNT.format(source)}")
    expect(page.get_by_text("Already done; nothing was repeated.")).to_be_visible()
    assert api.balance(target) == "2.50"


def test_a_deposit_by_keys_alone(sit: Sit, api: Api) -> None:
    """From the account's page to the result, without a mouse."""
    account = api.open_account("Kaya Brandt", "1.00")
    page = sit("tessa").open(ACCOUNT.format(account), until="load")
    focus_by_tab(page, "Deposit")
    page.keyboard.press("Enter")
    page.wait_for_url("**/deposit/")
    expect(page.get_by_label("Amount in USD")).to_be_focused()
    page.keyboard.type("6.75")
    page.keyboard.press("Tab")
    page.keyboard.type("Coins")
    page.keyboard.press("Enter")
    confirm = page.get_by_role("button", name="Confirm", exact=True)
    confirm.wait_for()
    assert api.balance(account) == "1.00"
    page.keyboard.press("Tab")
    expect(confirm).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{ACCOUNT.format(account)}")
    assert api.balance(account) == "7.75"


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_statement_is_saved_as_a_file(file_format: str, sit: Sit, api: Api) -> None:
    account = api.open_account("=cmd|calc", "500.00")
    api.deposit(account, "17.25")
    page = sit("aldo").open(ACCOUNT.format(account), until="load")
    press(page, "Export")
    page.locator(f"input[name=file_format][value={file_format}]").check()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Export the statement", exact=True).click()
    assert saving.value.suggested_filename.endswith(f".{file_format}")
    header, *lines = read_sheet(saving.value)
    assert header[3:9] == ["Text", "Description", "Debit", "Credit", "Balance after", "Currency"]
    assert [line[6:9] for line in lines] == [
        [amount(file_format, "500.00"), amount(file_format, "500.00"), "USD"],
        [amount(file_format, "17.25"), amount(file_format, "517.25"), "USD"],
    ]


def amount(file_format: str, text: str) -> str:
    """The amount as the file has it: XLSX has numbers."""
    return text if file_format == "csv" else f"{float(text):g}"
