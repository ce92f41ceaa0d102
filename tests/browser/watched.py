"""Chromium on a page of the bank, and everything that a browser would complain about."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.demo_bank import DemoBank

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
_ARGUMENTS = [
    "--no-sandbox",  # There is none for root in a container.
    "--disable-gpu",
    # Nothing of the browser's own goes to the network.
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
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """A page in a session of its own.

    `complaints` are errors of the console, uncaught exceptions and violations of the content
    security policy; `foreign` are the requests to other hosts, which are let go nowhere.
    """

    def __init__(self, browser: Browser, bank: DemoBank) -> None:
        self.bank = bank
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.page: Page = browser.new_context(
            viewport={"width": 1280, "height": 1000}, locale="en-GB"
        ).new_page()
        self.page.set_default_timeout(20_000)
        self.page.add_init_script(_REPORT_VIOLATIONS)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route(lambda url: not self._is_own(url), self._refuse)

    def open(self, path: str) -> Page:
        """Loads the page and waits until it asks for nothing more."""
        answer = self.page.goto(f"{self.bank.url}{path}", wait_until="networkidle")
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        return self.page

    def log_in(self, username: str, code: str = "") -> None:
        page = self.open("/admin/login/")
        page.fill("input[name=username]", username)
        page.fill("input[name=password]", self.bank.passwords[username])
        page.fill("input[name=code]", code)
        page.click("#login-form [type=submit]")
        page.wait_for_load_state("networkidle")

    def assert_clean(self) -> None:
        assert self.complaints == []
        assert self.foreign == []

    def _is_own(self, url: str) -> bool:
        return url.startswith((f"{self.bank.url}/", "data:", "blob:"))

    def _refuse(self, route) -> None:  # type: ignore[no-untyped-def]
        self.foreign.append(route.request.url)
        route.abort("blockedbyclient")

    def _on_console(self, message) -> None:  # type: ignore[no-untyped-def]
        if message.type == "error":
            self.complaints.append(message.text)
