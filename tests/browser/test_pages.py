"""The pages of the bank in Chromium: they work, under their content security policy, all at home.

On a demo bank of its own, served as `make run` serves it: the database of this test run is not in
it, so that one run in a suite is enough.
"""

from base64 import b32decode
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from staff.tests.helpers import code_of
from tests.browser.watched import CHROMIUM, Watched, chromium, has_chromium
from tests.demo_bank import DemoBank, demo_bank

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not has_chromium(), reason=f"NO BROWSER TESTS: there is no {CHROMIUM}"),
]

SWAGGER = "/api/v1/swagger/"
ADMIN_PAGES = [
    "/admin/",
    "/admin/approvals/",
    "/admin/audit/",
    "/admin/accounts/account/",
    "/admin/accounts/account/?q=Ada",
    "/admin/accounts/accountevent/",
    "/admin/transactions/transaction/",
    "/admin/transactions/transactionevent/",
    "/admin/transactions/entry/",
    "/admin/transactions/batch/",
    "/admin/transactions/archiverun/",
    "/admin/transactions/verification/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/auth/user/1/change/",
    "/admin/auth/user/1/password/",
    "/admin/auth/group/",
    "/admin/auth/group/1/change/",
    "/admin/clients/apiclient/",
    "/admin/oauth2_provider/accesstoken/",
    "/admin/otp_totp/totpdevice/",
    "/admin/axes/accesslog/",
    "/admin/axes/accessfailurelog/",
    "/admin/password_change/",
    "/admin/authenticator/",
]


@pytest.fixture(scope="module")
def bank() -> Iterator[DemoBank]:
    with demo_bank() as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def watched(browser: Browser, bank: DemoBank) -> Iterator[Watched]:
    watched = Watched(browser, bank)
    yield watched
    watched.page.context.close()


def execute(page: Page, operation: str) -> str:
    """Tries the operation out on Swagger UI; the status that it shows."""
    block = page.locator(f"#{operation}")
    block.locator(".opblock-summary-control").click()
    block.locator(".try-out__btn").click()
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


def test_swagger_authorizes_and_tries_out(watched: Watched) -> None:
    page = watched.open(SWAGGER)
    accounts = operation_of(page, "get", "/api/v1/accounts/")
    page.click(".auth-wrapper .authorize")
    page.fill("#client_id_clientCredentials", watched.bank.client_id)
    page.fill("#client_secret_clientCredentials", watched.bank.client_secret)
    page.click(".scopes [data-all]")
    with page.expect_response(f"{watched.bank.url}/api/v1/oauth/token/") as answered:
        page.click("[aria-label='Apply given OAuth2 credentials']")
    assert answered.value.status == 200
    expect(page.get_by_role("button", name="Remove authorization")).to_be_visible()
    page.locator(".modal-ux .close-modal").click()
    with page.expect_request("**/api/v1/accounts/*") as asked:
        assert execute(page, accounts) == "200"
    assert asked.value.headers["authorization"].startswith("Bearer ")
    assert "Ada Lovelace" in page.locator(f"#{accounts} .live-responses-table").inner_text()
    watched.assert_clean()


def test_swagger_tells_a_wrong_secret(watched: Watched) -> None:
    page = watched.open(SWAGGER)
    page.click(".auth-wrapper .authorize")
    page.fill("#client_id_clientCredentials", watched.bank.client_id)
    page.fill("#client_secret_clientCredentials", "wrong")
    page.click("[aria-label='Apply given OAuth2 credentials']")
    expect(page.locator(".modal-ux .errors")).to_contain_text("invalid_client")
    assert watched.foreign == []
    assert not [text for text in watched.complaints if "CSP" in text]


def test_staff_use_swagger_with_their_session(watched: Watched) -> None:
    watched.log_in("tessa")
    page = watched.open(SWAGGER)
    with page.expect_request("**/api/v1/transactions/*") as asked:
        assert execute(page, operation_of(page, "get", "/api/v1/transactions/")) == "200"
    assert "authorization" not in asked.value.headers
    watched.assert_clean()


def test_pages_of_the_admin_keep_to_the_policy(watched: Watched) -> None:
    watched.log_in("admin")
    assert watched.page.url == f"{watched.bank.url}/admin/"
    for path in ADMIN_PAGES:
        page = watched.open(path)
        assert watched.complaints == [], path
        assert watched.foreign == [], path
        assert page.locator("body").inner_text().strip(), path
    page = watched.open("/admin/accounts/account/")
    page.locator("#result_list tbody a").first.click()
    page.wait_for_url("**/change/**")
    page.wait_for_load_state("networkidle")
    watched.assert_clean()


def test_one_enrols_with_the_qr_code_and_logs_in_with_a_backup_code(
    watched: Watched, browser: Browser
) -> None:
    watched.log_in("susan")
    page = watched.open("/admin/authenticator/")
    box = page.locator("#qr-code svg").bounding_box()
    assert box is not None
    assert box["width"] == box["height"] > 150, "large enough for a camera"
    page.fill("input[name=code]", code_of(key_on(page)))
    page.click("form:has(input[name=code]) [type=submit]")
    expect(page.locator("#backup-codes li")).to_have_count(10)
    codes = page.locator("#backup-codes li").all_inner_texts()
    watched.assert_clean()

    again = Watched(browser, watched.bank)
    again.log_in("susan")
    expect(again.page.locator("#login-form")).to_be_visible()
    again.log_in("susan", codes[0])
    assert again.page.url == f"{watched.bank.url}/admin/"
    again.assert_clean()


def key_on(page: Page) -> str:
    """The key that stands below the QR code, in hexadecimal digits."""
    return b32decode(page.locator("#key").inner_text().replace(" ", "")).hex()


@pytest.mark.parametrize("path", [SWAGGER, "/admin/login/"])
def test_what_a_policy_forbids_is_noticed(watched: Watched, path: str) -> None:
    """The control of the tests above."""
    page = watched.open(path)
    watched.assert_clean()
    page.evaluate(
        """() => {
            const image = document.createElement("img");
            image.src = "https://elsewhere.example/pixel.png";
            document.body.append(image);
        }"""
    )
    page.wait_for_timeout(200)
    assert any(
        text.startswith("CSP: img-src refused https://elsewhere") for text in watched.complaints
    )


def test_swagger_runs_no_script_of_a_text(watched: Watched) -> None:
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
