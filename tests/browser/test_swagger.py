"""Swagger UI in Chromium: it works under its content security policy, without other hosts."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.watched import Sit
from tests.demo_bank import DemoBank

pytestmark = pytest.mark.sqlite

SWAGGER = "/api/v1/swagger/"


def execute(page: Page, operation: str, **fields: str) -> str:
    """Runs the operation in Swagger UI with these fields of its form; returns the shown status."""
    block = page.locator(f"#{operation}")
    block.locator(".opblock-summary-control").click()
    block.locator(".try-out__btn").click()
    for name, value in fields.items():
        block.get_by_placeholder(name, exact=True).fill(value)
    block.locator(".execute").click()
    status = block.locator(".live-responses-table .response-col_status").last
    status.wait_for()
    return status.inner_text().split()[0]


def operation_of(page: Page, method: str, path: str) -> str:
    """The id of the operation's block."""
    block = page.locator(f".opblock-{method}").filter(
        has=page.locator(f'.opblock-summary-path[data-path="{path}"]')
    )
    identifier = block.get_attribute("id")
    assert identifier is not None
    return identifier


def test_swagger_authorizes_and_tries_out(sit: Sit, bank: DemoBank) -> None:
    page = sit().open(SWAGGER)
    accounts = operation_of(page, "get", "/api/v1/accounts/")
    page.click(".auth-wrapper .authorize")
    page.fill("#client_id_clientCredentials", bank.client_id)
    page.fill("#client_secret_clientCredentials", bank.client_secret)
    page.click(".scopes [data-all]")
    with page.expect_response(f"{bank.url}/api/v1/oauth/token/") as answered:
        page.click("[aria-label='Apply given OAuth2 credentials']")
    assert answered.value.status == 200
    expect(page.get_by_role("button", name="Remove authorization")).to_be_visible()
    page.locator(".modal-ux .close-modal").click()
    with page.expect_request("**/api/v1/accounts/*") as asked:
        assert execute(page, accounts) == "200"
    assert asked.value.headers["authorization"].startswith("Bearer ")
    assert "Ada Lovelace" in page.locator(f"#{accounts} .live-responses-table").inner_text()


def test_swagger_tells_a_wrong_secret(sit: Sit, bank: DemoBank) -> None:
    watched = sit()
    page = watched.open(SWAGGER)
    page.click(".auth-wrapper .authorize")
    page.fill("#client_id_clientCredentials", bank.client_id)
    page.fill("#client_secret_clientCredentials", "wrong")
    page.click("[aria-label='Apply given OAuth2 credentials']")
    expect(page.locator(".modal-ux .errors")).to_contain_text("invalid_client")
    watched.expect_refusal(401)


def test_staff_use_swagger_with_their_session(sit: Sit) -> None:
    page = sit("tessa").open(SWAGGER)
    with page.expect_request("**/api/v1/transactions/*") as asked:
        assert execute(page, operation_of(page, "get", "/api/v1/transactions/")) == "200"
    assert "authorization" not in asked.value.headers


@pytest.mark.parametrize("path", [SWAGGER, "/admin/login/"])
def test_what_a_policy_forbids_is_noticed(sit: Sit, path: str) -> None:
    """The control of the tests above."""
    watched = sit()
    page = watched.open(path)
    watched.assert_clean()
    refused = "CSP: img-src refused https://elsewhere"
    with page.expect_console_message(lambda message: message.text.startswith(refused)):
        page.evaluate(
            """() => {
                const image = document.createElement("img");
                image.src = "https://elsewhere.example/pixel.png";
                document.body.append(image);
            }"""
        )
    assert any(text.startswith(refused) for text in watched.complaints)
    watched.complaints.clear()
    watched.foreign.clear()


def test_swagger_runs_no_script_of_a_text(sit: Sit) -> None:
    watched = sit()
    page = watched.open(SWAGGER)
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.stolen = true";
            document.body.append(script);
        }"""
    )
    assert page.evaluate("window.stolen") is None
    assert any(text.startswith("CSP: script-src") for text in watched.complaints)
    watched.complaints.clear()
    watched.foreign.clear()
