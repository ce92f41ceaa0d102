"""A file from its upload to its reversal: two people, and a worker between their pages."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from desk.models import DeskFile
from desk.tests.files import HEADER, transfers, worked
from tests.admin import logged_in
from tests.api import make_user
from tests.browser.counter import submit
from tests.browser.seats import seat
from tests.factories import make_account

pytestmark = pytest.mark.sqlite


def _choose(page: Page, content: bytes, name: str = "payroll.csv") -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": content}
    page.locator("input[type=file]").set_input_files([file])  # type: ignore[list-item]
    submit(page, "Upload a file")


def _follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=re.compile(rf"(^|\s){name}\s*$")).locator("visible=true").click()
    page.wait_for_load_state("load")


def _balances(*accounts: Account) -> list[Decimal | None]:
    return [Account.objects.get(pk=account.pk).balance for account in accounts]


def test_a_file_from_its_upload_to_its_reversal(live_server: LiveServer, browser: Browser) -> None:
    payer, payee = make_account(balance=100), make_account()
    content = transfers(payer, payee, "10", "20.50", "900")
    tessa, susan = (
        seat(browser, logged_in(make_user(name, role=role)), live_server.url)
        for name, role in (("tessa", "teller"), ("susan", "supervisor"))
    )
    page = tessa.open("/admin/desk/deskfile/", until="load")
    _follow(page, "Upload a file")
    _choose(page, (HEADER + f"DEPOSIT,{payer.pk},,1.001,,\n").encode())
    expect(page.get_by_text("Line 2: amount: An amount in USD")).to_be_visible()
    _choose(page, content)
    expect(page.get_by_text("2 would be posted, 1 would fail").first).to_be_visible()
    expect(page.get_by_text("69.50 USD available, 900.00 USD needed.")).to_be_visible()

    page = susan.open("/admin/approvals/", until="load")
    page.get_by_role("link", name="Approve").locator("visible=true").last.click()
    expect(page.get_by_text("Transfer 30.50 USD").first).to_be_visible()
    page.get_by_label("Reason").fill("As agreed")
    submit(page, "Approve")
    expect(page.get_by_text("0 of 3 movements are done.")).to_be_visible()
    file = worked(DeskFile.objects.get())
    # The page loads itself again.
    expect(page.get_by_text("2 posted, 1 failed of 3").first).to_be_visible(timeout=20_000)
    assert _balances(payer, payee) == [Decimal("69.5"), Decimal("30.5")]
    with page.expect_download() as saved:
        page.get_by_role("link", name=re.compile("Rows .CSV.")).locator("visible=true").click()
    assert saved.value.path().read_text().count("COMPLETED") == 2
    _follow(page, "Reverse the file")
    expect(page.get_by_text("2 transactions, all or none")).to_be_visible()
    page.get_by_label("Reason").fill("Wrong month")
    submit(page, "Reverse the file")
    worked(file)
    expect(page.locator(".bank-badge", has_text="Reversed").first).to_be_visible(timeout=20_000)
    assert _balances(payer, payee) == [100, 0]

    page = tessa.open("/admin/desk/deskfile/upload/", until="load")
    _choose(page, content, "copy.csv")
    expect(page.get_by_text("This file was uploaded before: payroll.csv, by tessa")).to_be_visible()
    for watched in (tessa, susan):
        watched.assert_clean()
        watched.page.context.close()
