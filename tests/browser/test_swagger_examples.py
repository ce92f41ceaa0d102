"""Each example of Swagger UI works as it stands: Execute on every route of a fresh demo bank."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_swagger import SWAGGER, execute
from tests.browser.watched import Watched, new_session
from tests.demo_bank import DemoBank, demo_bank

pytestmark = pytest.mark.sqlite

# The rest goes in the order of the page. These come last, because other examples need what they
# change: a token that is revoked, a transaction that is reversed.
_LAST = ("transactions_reverse", "oauth_revoke")
# They ask who the client is: only its owner knows the secret.
_WITH_CLIENT = ("oauth_token", "oauth_revoke", "oauth_introspect")
# It finds no damage in the sound books of the demo, as the first page says.
_NOTHING_TO_DO = "accounts_release_debits"
_DONE = {"200", "201", "202", "204"}
# The tag of each block, in the order of the page.
_TAGS = """() => Object.fromEntries([...document.querySelectorAll(".opblock")].map(
    one => [one.id, one.closest(".opblock-tag-section").querySelector(".opblock-tag").dataset.tag]
))"""
# Opens the block, tries it out as it stands, closes it, and returns the status. In the page itself,
# where each step follows the one before at once; `test_swagger` has a real mouse.
_PRESS_EXECUTE = """async name => {
    const block = document.getElementById(name);
    const shown = async (selector) => {
        for (const end = Date.now() + 60000; Date.now() < end; ) {
            const found = block.querySelector(selector);
            if (found) return found;
            await new Promise(requestAnimationFrame);
        }
        throw new Error(`${name} does not show ${selector}: ${block.innerText.slice(0, 500)}`);
    };
    const summary = block.querySelector(".opblock-summary-control");
    summary.click();
    (await shown(".try-out__btn")).click();
    (await shown(".execute")).click();
    const status = (await shown(".live-responses-table tbody .response-col_status")).innerText;
    summary.click();
    return status.trim().split(/\\s/)[0];
}"""


@pytest.fixture(scope="module")
def fresh() -> Iterator[DemoBank]:
    with demo_bank() as served:
        yield served


def _authorized(watched: Watched, bank: DemoBank) -> Page:
    """Swagger UI with a token of the supervisor's client, requested without scopes."""
    page = watched.open(SWAGGER)
    page.click(".auth-wrapper .authorize")
    page.fill("#client_id_clientCredentials", bank.client_id)
    page.fill("#client_secret_clientCredentials", bank.client_secret)
    with page.expect_response(f"{bank.url}/api/v1/oauth/token/") as answered:
        page.click("[aria-label='Apply given OAuth2 credentials']")
    assert "transactions:write" in answered.value.json()["scope"]
    page.locator(".modal-ux .close-modal").click()
    return page


def test_execute_on_every_route(browser: Browser, fresh: DemoBank) -> None:
    watched = Watched(new_session(browser), fresh.url)
    page = _authorized(watched, fresh)
    expect(page.locator(".opblock").first).to_be_visible()
    tags: dict[str, str] = page.evaluate(_TAGS)
    names = list(tags)
    last = [name for ending in _LAST for name in names if name.endswith(ending)]
    assert len(names) > 30
    assert len(last) == len(_LAST)
    answers = {}
    shown = ""
    for name in [name for name in names if name not in last] + last:
        if tags[name] != shown:
            shown = tags[name]
            # Swagger UI draws all that it shows again at each step: all routes take minutes.
            page.evaluate("tag => ui.layoutActions.updateFilter(tag)", shown)
            page.locator(f"#{name}").wait_for()
        if name.endswith(_WITH_CLIENT):
            client = {"client_id": fresh.client_id, "client_secret": fresh.client_secret}
            answers[name] = execute(page, name, **client)
        else:
            answers[name] = page.evaluate(_PRESS_EXECUTE, name)
    wrong = {
        name: status
        for name, status in answers.items()
        if status not in ({"409"} if name.endswith(_NOTHING_TO_DO) else _DONE)
    }
    assert wrong == {}
    watched.expect_refusal(409)
    watched.assert_clean()
    watched.page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_swagger_is_as_light_as_the_system_and_leads_to_console_and_help(
    scheme: str, browser: Browser, fresh: DemoBank
) -> None:
    watched = Watched(new_session(browser, color_scheme=scheme), fresh.url)
    page = watched.open(SWAGGER)
    expect(page.get_by_role("heading", name="Conditional requests")).to_be_visible(timeout=60_000)
    is_dark = page.evaluate("document.documentElement.classList.contains('dark-mode')")
    assert is_dark is (scheme == "dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(28, 32, 34)" if is_dark else "rgb(250, 250, 250)")
    page.emulate_media(color_scheme="light" if is_dark else "dark")
    expect(page.locator("html.dark-mode")).to_have_count(0 if is_dark else 1)
    for name, path in (("Console of staff", "/admin/"), ("Help", "/admin/help/")):
        assert page.get_by_role("link", name=name, exact=True).get_attribute("href") == path
    watched.assert_clean()
    watched.page.context.close()
