"""A supervisor makes a webhook, copies its secret, changes it, and sends events again."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.counter import press, submit
from tests.browser.inspection import inspect
from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite

_LIST = "/admin/webhooks/endpoint/"


def test_a_webhook_from_its_making_to_its_end(sit: Sit) -> None:
    watched = sit("susan")
    page = watched.open(_LIST, until="load")
    page.get_by_role("link", name="Make a webhook").first.click()
    page.get_by_label("URL").fill("https://10.0.0.1/hook")
    page.get_by_label("Description").fill("Till of the shop")
    page.get_by_label("transaction.completed").check()
    submit(page, "Make a webhook")
    expect(page.get_by_text("The host has an address that is not public.")).to_be_visible()
    inspect(watched)
    page.get_by_label("URL").fill("https://till.example/hook?token=x")
    submit(page, "Make a webhook")
    secret = page.locator("#webhook-secret")
    expect(secret).to_have_text(re.compile("^whsec_.{44}$"))
    first = secret.inner_text()
    inspect(watched)
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text("Till of the shop").first).to_be_visible()
    assert first not in page.content()
    inspect(watched)

    press(page, "Change")
    page.get_by_label("Description").fill("Till 7")
    submit(page, "Change")
    expect(page.get_by_text("The webhook is changed.")).to_be_visible()
    press(page, "New secret")
    inspect(watched)
    submit(page, "New secret")
    expect(secret).not_to_have_text(first)
    page.get_by_role("link", name="I have copied it").click()
    press(page, "Send a test")
    submit(page, "Send a test")
    expect(page.get_by_text("A test comes after the deliveries that wait.")).to_be_visible()
    press(page, "Send again")
    page.get_by_label("From").fill("2026-01-01T00:00:00")
    page.get_by_label("Until").fill("2025-01-01T00:00:00")
    submit(page, "Send again")
    expect(page.get_by_text("The end of the time must be after its beginning.")).to_be_visible()
    inspect(watched)
    page.get_by_label("Until").fill("2026-01-02T00:00:00")
    submit(page, "Send again")
    expect(page.get_by_text("after those that wait: 0.")).to_be_visible()
    press(page, "Delete")
    submit(page, "Delete")
    assert watched.path == _LIST
    expect(page.get_by_text("The webhook to till.example/hook is deleted.")).to_be_visible()
    watched.assert_clean()
