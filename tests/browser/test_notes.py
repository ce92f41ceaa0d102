"""Notes at the counter: written on a page, read by the next, also on paper and by a telephone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.api import Api
from tests.browser.counter import ACCOUNT, TRANSACTION, submit
from tests.browser.inspection import inspect
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite

NOTE = "Rang on Monday.\nWants a letter before any change."


def notes(page: Page) -> list[str]:
    return page.locator(".bank-note-text").all_inner_texts()


def write(page: Page, text: str) -> None:
    page.get_by_text("Write a note").click()
    page.get_by_role("textbox", name=re.compile("^Note")).fill(text)
    submit(page, "Keep the note")


def test_a_note_is_written_read_and_printed(sit: Sit, api: Api) -> None:
    account = api.open_account("Nora Quill", "10.00")
    watched = sit("tessa")
    page = watched.open(ACCOUNT.format(account), until="load")
    write(page, NOTE)
    expect(page.get_by_text("The note is kept.")).to_be_visible()
    write(page, "שלום")
    assert notes(page) == ["שלום", NOTE]
    expect(page.locator(".bank-note-text").first).to_have_css("direction", "rtl")
    expect(page.locator(".bank-notes li").first).to_contain_text(re.compile(r"tessa, .*\d\d:\d\d"))
    inspect(watched)
    page.emulate_media(media="print")
    expect(page.get_by_text(NOTE.partition("\n")[0])).to_be_visible()
    expect(page.get_by_text("Write a note")).to_be_hidden()
    assert notes(sit("aldo").open(ACCOUNT.format(account), until="load")) == ["שלום", NOTE]


def test_a_note_that_cannot_be_kept_comes_back(sit: Sit, api: Api) -> None:
    done = api.deposit(api.open_account("Otto Quill", "10.00"), "4.00")["transaction_id"]
    watched = sit("tessa")
    page = watched.open(TRANSACTION.format(done), until="load")
    write(page, "Rang\u202eabout it")
    expect(page.get_by_text("The character U+202E at position 4 is not allowed.")).to_be_visible()
    inspect(watched)
    page.get_by_role("textbox", name=re.compile("^Note")).fill("Short")
    submit(page, "Write a note")
    assert notes(page) == ["Short"]


def test_an_auditor_has_no_form(sit: Sit, api: Api) -> None:
    account = api.open_account("Pia Quill", "10.00")
    page = sit("aldo").open(ACCOUNT.format(account), until="load")
    assert page.get_by_text("Write a note").count() == 0
