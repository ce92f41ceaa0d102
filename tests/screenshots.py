"""Makes the pictures of the documentation from the real pages of a fresh demo bank.

    python -m tests.screenshots          writes docs/images/*.png

Needs playwright, and Chromium at the usual place of Debian (CHROMIUM names another).
"""

import os

from playwright.sync_api import Browser, Page, sync_playwright

from tests.demo_bank import ROOT, DemoBank, demo_bank

IMAGES = ROOT / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with demo_bank() as bank, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        _swagger(browser, bank)
        _admin(browser, bank)
        browser.close()


def _page(browser: Browser, bank: DemoBank, *, width: int, height: int) -> Page:
    """A page in a session of its own that can reach the bank only, as a user offline would."""
    page = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-GB"
    ).new_page()
    page.route(
        lambda url: not url.startswith((bank.url, "data:")), lambda route: route.abort("failed")
    )
    return page


def _swagger(browser: Browser, bank: DemoBank) -> None:
    width, height = 1280, 1200
    page = _page(browser, bank, width=width, height=height)
    page.goto(f"{bank.url}/api/v1/swagger/", wait_until="networkidle")
    page.locator(".opblock").first.wait_for()
    page.screenshot(path=IMAGES / "swagger.png")
    # The route of a transfer, open: what it takes and what it answers.
    transfer = page.locator(".opblock", has_text="/transfer/").first
    transfer.locator(".opblock-summary-control").click()
    transfer.locator(".responses-wrapper").wait_for()
    box = transfer.bounding_box()
    assert box is not None
    # Its beginning: all of its errors, one below the other, would be four pages high.
    part = {"x": 0, "y": box["y"], "width": width, "height": height}
    page.screenshot(path=IMAGES / "swagger-transfer.png", full_page=True, clip=part)


def _admin(browser: Browser, bank: DemoBank) -> None:
    page = _page(browser, bank, width=1600, height=720)
    page.goto(f"{bank.url}/admin/")
    page.fill("input[name=username]", "susan")
    page.fill("input[name=password]", bank.passwords["susan"])
    page.click("[type=submit]")
    page.goto(f"{bank.url}/admin/transactions/transaction/", wait_until="networkidle")
    page.locator("#result_list").wait_for()
    page.screenshot(path=IMAGES / "admin.png")


if __name__ == "__main__":
    main()
