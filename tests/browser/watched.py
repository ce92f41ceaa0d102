"""Chromium on a page of the bank, with a record of all complaints of the browser."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
)

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
_ARGUMENTS = [
    "--no-sandbox",  # Chromium's sandbox does not work for root in a container.
    "--disable-gpu",
    # Pictures have the same colours and fonts on every machine.
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    # No request reaches another host, and the browser itself sends nothing to the network.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", event => console.error(
    `CSP: ${event.effectiveDirective} refused ${event.blockedURI} in ${event.documentURI}`));
"""


def has_chromium() -> bool:
    return Path(CHROMIUM).is_file()


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
    yield browser
    browser.close()


def new_session(browser: Browser, **options: Any) -> BrowserContext:
    """A new browser session with its own cookies and cache."""
    usual = {"viewport": {"width": 1280, "height": 1000}, "reduced_motion": "reduce"}
    context = browser.new_context(**usual | {"locale": "en-GB", "timezone_id": "UTC"} | options)
    context.set_default_timeout(20_000)
    context.add_init_script(_REPORT_VIOLATIONS)
    return context


class Watched:
    """A page of the session that records everything that goes wrong.

    `complaints` are console errors, uncaught exceptions and violations of the content security
    policy. `foreign` are requests to another host than that of `url`, the server's. The console
    also reports a response with 400 or 403 as an error; `expect_refusal` ignores those of one
    status.
    """

    def __init__(self, session: BrowserContext, url: str) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.page: Page = session.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        # Watched, not intercepted: interception would disable the browser's cache.
        self.page.on("request", self._on_request)

    def open(self, path: str, *, until: str = "networkidle") -> Page:
        """Loads the page and waits until its requests have ended, or for another event."""
        answer = self.page.goto(f"{self.url}{path}", wait_until=until)  # type: ignore[arg-type]
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        return self.page

    def status_of(self, path: str) -> int:
        """The response's status for a path typed by hand."""
        answer = self.page.goto(f"{self.url}{path}", wait_until="load")
        assert answer is not None
        if answer.status >= 400:
            self.expect_refusal(answer.status)
        return answer.status

    def expect_refusal(self, status: int) -> None:
        self.complaints = [text for text in self.complaints if f"status of {status}" not in text]

    def log_in(self, username: str, password: str, code: str = "") -> None:
        page = self.open("/admin/login/")
        page.fill("input[name=username]", username)
        page.fill("input[name=password]", password)
        page.fill("input[name=code]", code)
        page.click("#login-form [type=submit]")
        page.wait_for_load_state("networkidle")

    @property
    def path(self) -> str:
        """The path of the current page, without its query."""
        return urlsplit(self.page.url).path

    def assert_clean(self) -> None:
        assert self.complaints == []
        assert self.foreign == []

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.foreign.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)


# `sit("tessa")` opens a page in which she is logged in, `sit()` one without a login.
Sit = Callable[..., Watched]
