"""Takes the documentation's screenshots from the real pages of `tests.busy_bank`.

    python -m tests.screenshots [NAME ...]          writes docs/images/*.png

The bank's clock is fixed and its random data are seeded, so a picture changes only with its page.
Needs playwright, and Chromium at Debian's usual path (CHROMIUM overrides it).
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.counter import press, submit
from tests.browser.watched import Watched, chromium, new_session
from tests.demo_bank import ROOT, DemoBank, busy_bank

IMAGES = ROOT / "docs" / "images"
# A Friday afternoon.
AT = "2026-11-20T15:42:00+00:00"
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
_ROW = "#result_list tbody th a"


def _stay(page: Page) -> None:
    """No further steps: the page is complete."""


def _first_row(page: Page) -> None:
    page.locator(_ROW).first.click()
    page.wait_for_url("**/change/**")


def _transfer(page: Page) -> None:
    """Goes as far as the preview: no picture needs money to move."""
    _first_row(page)
    press(page, "Transfer")
    page.get_by_label("To account").fill("Grace Hopper")
    page.get_by_label("Amount in USD").fill("250.00")
    page.get_by_label("Description").fill("Rent of the piano")
    submit(page, "Preview")


def _follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=re.compile(rf"{name}\s*$")).locator("visible=true").click()
    page.wait_for_load_state("load")


def _approve(page: Page) -> None:
    _first_row(page)
    _follow(page, "Approve")


def _reverse(page: Page) -> None:
    _first_row(page)
    _follow(page, "Reverse the file")


def described(page: Page) -> None:
    """Waits for the description, which is long, and takes a while to be drawn."""
    page.locator(".opblock").first.wait_for(timeout=60_000)


def _money_route(page: Page) -> None:
    """Opens the route of a transfer, with its request and responses."""
    transfer = page.locator(".opblock", has_text="/transfer/").first
    transfer.locator(".opblock-summary-control").click()
    transfer.locator(".responses-wrapper").wait_for()
    transfer.evaluate("block => block.scrollIntoView()")


@dataclass(frozen=True)
class Picture:
    """`username` opens `path` and continues with `steps`. `options` are for the browser context."""

    name: str
    path: str
    username: str = "susan"
    steps: Callable[[Page], None] = _stay
    options: dict[str, Any] = field(default_factory=lambda: {"viewport": WIDE})
    whole_page: bool = False


_TALL = {"viewport": {"width": 1440, "height": 1150}}
_DARK = {"viewport": WIDE, "color_scheme": "dark"}
_PHONE = {"viewport": NARROW}
_FILES = "/admin/desk/deskfile/"
_TRANSACTIONS = "/admin/transactions/transaction/"
PICTURES = [
    Picture("today", "/admin/", whole_page=True),
    Picture("today-dark", "/admin/", options=_DARK),
    Picture("today-narrow", "/admin/", options=_PHONE),
    Picture("accounts", "/admin/accounts/account/"),
    Picture("account", "/admin/accounts/account/?q=Grace", steps=_first_row, options=_TALL),
    Picture("account-narrow", "/admin/accounts/account/?q=Grace", steps=_first_row, options=_PHONE),
    Picture("customer", "/admin/customers/customer/?q=Ada", steps=_first_row, options=_TALL),
    Picture("transfer-preview", "/admin/accounts/account/?q=Harbour", "tessa", _transfer),
    Picture("transactions", _TRANSACTIONS),
    Picture("transactions-narrow", _TRANSACTIONS, options=_PHONE),
    Picture("transaction", f"{_TRANSACTIONS}?q=Supplier", steps=_first_row, whole_page=True),
    Picture("approvals", "/admin/approvals/"),
    Picture("file", f"{_FILES}?status__exact=WAITING", "tessa", _first_row, whole_page=True),
    Picture("file-approve", f"{_FILES}?status__exact=WAITING", steps=_approve),
    Picture("file-posted", f"{_FILES}?status__exact=POSTED", steps=_first_row, whole_page=True),
    Picture("file-reverse", f"{_FILES}?status__exact=POSTED", steps=_reverse),
    Picture("audit", "/admin/audit/", "aldo"),
    Picture("statistics", "/admin/statistics/", whole_page=True),
    Picture("statistics-narrow", "/admin/statistics/", options=_PHONE),
    Picture("clients", "/admin/clients/apiclient/"),
    Picture(
        "swagger",
        "/api/v1/swagger/",
        "",
        described,
        {"viewport": {"width": 1280, "height": 1200}},
    ),
    Picture(
        "swagger-transfer",
        "/api/v1/swagger/",
        "",
        _money_route,
        {"viewport": {"width": 1280, "height": 1200}},
    ),
]


def main() -> None:
    wanted = sys.argv[1:] or [picture.name for picture in PICTURES]
    IMAGES.mkdir(exist_ok=True)
    with (
        busy_bank(at=AT) as bank,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        # All users log in, whichever pictures are wanted: one picture shows them in the audit log.
        names = {picture.username for picture in PICTURES} - {""}
        sessions = {name: session_of(browser, bank, name) for name in sorted(names)}
        for picture in PICTURES:
            if picture.name in wanted:
                _take(picture, browser, bank, sessions.get(picture.username))


def session_of(browser: Browser, bank: DemoBank, username: str) -> Any:
    """The cookies of a logged-in user."""
    session = new_session(browser)
    Watched(session, bank.url).log_in(username, bank.passwords[username])
    state = session.storage_state()
    session.close()
    return state


def _take(picture: Picture, browser: Browser, bank: DemoBank, session: Any) -> None:
    opened = new_session(browser, storage_state=session, **picture.options)
    watched = Watched(opened, bank.url)
    page = watched.open(picture.path)
    picture.steps(page)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # Charts and Swagger UI draw after loading.
    path = IMAGES / f"{picture.name}.png"
    page.screenshot(
        path=path, full_page=picture.whole_page, animations="disabled", caret="hide", type="png"
    )
    watched.assert_clean()
    opened.close()
    print(f"{path.stat().st_size // 1024:5} kB  {path.relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    main()
