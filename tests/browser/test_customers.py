"""A customer from the first visit on, and what the bank's statistics then say."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.api import Api
from tests.browser.counter import buttons, press, submit
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite


def test_a_customer_is_registered_gets_accounts_and_closes(sit: Sit, api: Api) -> None:
    page = sit("tessa").open("/admin/customers/customer/", until="load")
    page.get_by_role("link", name="Register a customer").click()
    page.get_by_label("Name").fill("Wanda Rutkowska")
    page.get_by_label("E-mail address").fill("wanda@example.com")
    submit(page, "Register a customer")
    expect(page.locator("h1.bank-title")).to_contain_text("Wanda Rutkowska")
    customer = page.url.rstrip("/").split("/")[-2]

    press(page, "Open an account")
    expect(page.get_by_role("textbox", name="Customer")).to_have_value(re.compile(r"\d{10}"))
    page.get_by_label("Name").fill("Wanda, savings")
    page.get_by_label("Initial balance").fill("1,250.00")
    submit(page, "Open an account")
    expect(page.locator("h1.bank-title")).to_contain_text("Wanda Rutkowska")
    account = page.url.rstrip("/").split("/")[-2]
    assert api.balance(account) == "1250.00"

    page = sit("susan").open(f"/admin/customers/customer/{customer}/change/", until="load")
    for words in ("Wanda, savings", "1,250.00"):
        expect(page.get_by_text(words).first).to_be_visible()
    press(page, "Change details")
    page.get_by_label("Phone").fill("+44 20 7946 0958")
    submit(page, "Change details")
    expect(page.get_by_text("+442079460958")).to_be_visible()
    titles = [button.inner_text() for button in buttons(page).all()]
    assert not any("Close" in title for title in titles), "an account is open"


def test_statistics_count_what_was_just_made(sit: Sit, api: Api) -> None:
    def completed() -> int:
        page = watched.open("/admin/statistics/?interval=hour&currency=USD", until="load")
        figure = page.locator(".bank-figure", has_text="Completed").locator(".bank-value")
        return int(figure.first.inner_text().replace(",", ""))

    watched = sit("aldo")
    account = api.open_account("Stella Ode")
    before = completed()
    api.deposit(account, "11.00")
    api.deposit(account, "12.50")
    assert completed() == before + 2
    page = watched.page
    page.get_by_role("link", name="12 months").click()
    page.wait_for_url("**interval=month**")
    expect(page.locator("table.bank-table tbody tr").first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Export as CSV").click()
    assert saved.value.suggested_filename.endswith(".csv")
