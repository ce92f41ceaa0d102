"""Logging in with a password, and with a code from an authenticator on a phone."""

import re
from base64 import b32decode

import pytest
from playwright.sync_api import Page, expect

from staff.tests.helpers import code_of
from tests.browser.counter import focus_by_tab
from tests.browser.inspection import inspect
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite

PASSWORD = "harbour-violet-stone-88"


def make_supervisor(page: Page, username: str) -> str:
    """Creates a supervisor on the page of users, as a superuser does; returns the one-time
    password.
    """
    page.get_by_role("link", name="Add").first.click()
    page.locator("[name=username]").fill(username)
    page.locator("[name=full_name]").fill("Ottilie Hansen")
    page.get_by_label("Supervisor").check()
    page.locator("[name=_save]").click()
    return page.locator("#one-time-password").inner_text()


def test_one_enrols_and_logs_in_with_a_code_and_with_a_backup_code(sit: Sit) -> None:
    given = make_supervisor(sit("admin").open("/admin/auth/user/"), "ottilie")
    first = sit()
    first.log_in("ottilie", given)
    assert first.path == "/admin/first-password/"
    first.page.fill("[name=new_password1]", PASSWORD)
    first.page.fill("[name=new_password2]", PASSWORD)
    inspect(first)
    first.page.get_by_role("button", name="Go on").click()
    first.page.wait_for_url("**/admin/")
    page = first.open("/admin/authenticator/")
    box = page.locator("#qr-code svg").bounding_box()
    assert box is not None
    assert box["width"] == box["height"] > 150, "large enough for a camera"
    key = key_on(page)
    page.fill("input[name=code]", code_of(key))
    page.click("form:has(input[name=code]) [type=submit]")
    expect(page.locator("#backup-codes li")).to_have_count(10)
    backup_codes = page.locator("#backup-codes li").all_inner_texts()

    without = sit()
    without.log_in("ottilie", PASSWORD)
    expect(without.page.locator("#login-form")).to_be_visible()
    # A code is valid once, and the present one was used for enrolment.
    without.log_in("ottilie", PASSWORD, code_of(key, steps=1))
    assert without.path == "/admin/"

    lost_phone = sit()
    lost_phone.log_in("ottilie", PASSWORD, backup_codes[0])
    assert lost_phone.path == "/admin/"


def key_on(page: Page) -> str:
    """The key below the QR code, in hexadecimal digits."""
    return b32decode(page.locator("#key").inner_text().replace(" ", "")).hex()


def test_a_wrong_password_is_told_and_logs_nobody_in(sit: Sit) -> None:
    watched = sit()
    watched.log_in("tessa", "wrong")
    expect(watched.page.locator("#login-form")).to_be_visible()
    expect(watched.page.get_by_text("Please enter")).to_be_visible()


def test_one_logs_out_by_keys(sit: Sit) -> None:
    """By the account menu. The session ends, not only the page."""
    watched = sit()
    watched.log_in("susan", "counter-window-lamp-27")
    page = watched.page
    opener = page.locator("button[aria-controls=account-menu]")
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    dark = page.get_by_role("button", name="Dark")
    focus_by_tab(page, "Dark")
    page.keyboard.press("Enter")
    expect(dark).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    expect(page.get_by_role("link", name="Change password")).to_be_visible()
    focus_by_tab(page, "Log out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/logout/")
    watched.open("/admin/")
    assert watched.path == "/admin/login/"
