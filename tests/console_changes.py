"""Pictures of the console before and after its twenty changes, for docs/console-changes.md.

    python -m tests.console_changes [--before COMMIT] [NUMBER ...]

Writes docs/images/changes/NN-before.webp and NN-after.webp. The bank of before is that commit, in a
worktree of its own; both have the data of `tests.busy_bank` and the same clock. The pins of the
commit must allow this environment to run it.
"""

import argparse
import io
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests import demo_bank
from tests.browser.watched import Watched, chromium, new_session
from tests.screenshots import AT, NARROW, WIDE, described, session_of

# The last commit before the first of the twenty.
BEFORE = "92a3c548"
ROOT = demo_bank.ROOT
IMAGES = ROOT / "docs" / "images" / "changes"
MOST_BYTES = 80_000
_ROW = "#result_list tbody th a"
_ACCOUNTS, _TRANSACTIONS = "/admin/accounts/account/", "/admin/transactions/transaction/"
_APPROVALS = "/admin/approvals/"
_PAPER = {"width": 794, "height": 1000}


def _stay(page: Page) -> None:
    """No further steps: the page is complete."""


def _first_row(page: Page) -> None:
    page.locator(_ROW).first.click()
    page.wait_for_url("**/change/**")


def _button_of_first(button: str) -> Callable[[Page], None]:
    """Goes to the page of a button of the first row, whatever the button looks like."""

    def go(page: Page) -> None:
        _first_row(page)
        page.goto(page.url.partition("change/")[0] + button)

    return go


def _decide(word: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        link = page.locator(f"#content a[href*='/{word}']").first.get_attribute("href")
        page.goto(page.url.partition("/admin/")[0] + str(link))

    return go


def _reject(page: Page) -> None:
    _decide("reject")(page)
    page.get_by_label("Reason").fill("The papers are missing")
    page.locator("#content form [type=submit]").first.click()


def _search(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.wait_for_timeout(500)
    page.keyboard.type("hopper", delay=60)
    page.wait_for_timeout(1500)


def _pasted_amount(page: Page) -> None:
    _button_of_first("deposit")(page)
    page.get_by_label("Amount in USD").fill(" 2,016.40 ")
    page.get_by_role("button", name="Preview", exact=True).click()


def _half_a_target(page: Page) -> None:
    _button_of_first("transfer")(page)
    page.get_by_label("To account").press_sequentially("ada", delay=60)
    page.wait_for_timeout(1500)


def _lost_session(page: Page) -> None:
    _button_of_first("deposit")(page)
    page.get_by_label("Amount in USD").fill("17.35")
    for cookie in page.context.cookies():
        if cookie["name"] == "sessionid":
            page.context.add_cookies([{**cookie, "value": "x" * 32}])  # type: ignore[list-item]
    page.get_by_role("button", name="Preview", exact=True).click()


def _on_paper(page: Page) -> None:
    _first_row(page)
    page.emulate_media(media="print")


def _tick_two(page: Page) -> None:
    boxes = page.locator("#result_list tbody input[type=checkbox]")
    for position in range(min(2, boxes.count())):
        boxes.nth(position).check()


@dataclass(frozen=True)
class Scene:
    """`path` and `steps` are those of after; before, they are the same unless given apart."""

    number: int
    path: str
    steps: Callable[[Page], None] = _stay
    username: str = "susan"
    viewport: dict[str, int] = field(default_factory=lambda: WIDE)
    path_before: str = ""
    steps_before: Callable[[Page], None] | None = None
    needs_damage: bool = False


# In the order in which they are taken: what changes the bank comes late.
SCENES = [
    Scene(1, _APPROVALS, _decide("approve")),
    Scene(2, "/admin/audit/", username="aldo", path_before="/admin/audit/"),
    Scene(4, "/admin/", _search),
    Scene(
        5, "/admin/customers/customer/?q=Ada", _first_row,
        username="admin", path_before="/admin/auth/user/?q=ada",
    ),
    Scene(6, f"{_ACCOUNTS}?q=Grace", _on_paper, viewport=_PAPER),
    Scene(7, f"{_ACCOUNTS}?q=Grace", _first_row, viewport=NARROW),
    Scene(8, f"{_ACCOUNTS}?q=h%C3%B3pper+grace"),
    Scene(9, f"{_ACCOUNTS}?q=Grace", _pasted_amount, "tessa"),
    Scene(10, f"{_ACCOUNTS}?q=Grace", _half_a_target, "tessa"),
    Scene(
        14, f"{_TRANSACTIONS}?approval=waits", _tick_two,
        path_before=_APPROVALS, steps_before=_stay,
    ),
    Scene(15, f"{_TRANSACTIONS}?q=Supplier", _first_row),
    Scene(16, "/admin/auth/user/add/", username="admin"),
    Scene(17, _TRANSACTIONS, viewport=NARROW),
    Scene(18, "/admin/"),
    Scene(19, f"{_ACCOUNTS}?q=Grace", _first_row),
    Scene(20, "/api/v1/swagger/", described, username=""),
    Scene(12, _APPROVALS, _reject),
    Scene(11, f"{_TRANSACTIONS}?status__exact=FAILED"),
    Scene(13, f"{_ACCOUNTS}?q=Grace", _lost_session, "tessa"),
    Scene(3, f"{_ACCOUNTS}?q=Grace", _first_row, needs_damage=True),
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.console_changes")
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT")
    parser.add_argument("--only", choices=("before", "after"))
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER")
    options = parser.parse_args()
    scenes = [one for one in SCENES if not options.numbers or one.number in options.numbers]
    IMAGES.mkdir(exist_ok=True)
    if options.only != "after":
        with _worktree(options.before) as root:
            _take_all(scenes, root, "before")
    if options.only != "before":
        _take_all(scenes, ROOT, "after")


@contextmanager
def _worktree(commit: str) -> Iterator[Path]:
    git = ("git", "-C", str(ROOT), "worktree")
    with tempfile.TemporaryDirectory(prefix="bank-before-") as folder:
        root = Path(folder) / "bank"
        subprocess.run([*git, "add", "--quiet", "--detach", str(root), commit], check=True)
        try:
            yield root
        finally:
            subprocess.run([*git, "remove", "--force", str(root)], check=True)


def _take_all(scenes: list[Scene], root: Path, when: str) -> None:
    demo_bank.ROOT = root  # The programs of the bank come from there.
    with (
        demo_bank.busy_bank(at=AT) as bank,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        sessions = {
            name: session_of(browser, bank, name) for name in ("admin", "aldo", "susan", "tessa")
        }
        for scene in scenes:
            if scene.needs_damage:
                _damage(bank.folder, root)
            _take(scene, when, browser, bank.url, sessions.get(scene.username))


def _take(scene: Scene, when: str, browser: Browser, url: str, session: Any) -> None:
    opened = new_session(browser, storage_state=session, viewport=scene.viewport)
    is_before = when == "before"
    page = Watched(opened, url).page
    page.goto(url + ((is_before and scene.path_before) or scene.path), wait_until="networkidle")
    steps = scene.steps_before if is_before and scene.steps_before else scene.steps
    steps(page)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(800)  # Charts and Swagger UI draw after loading.
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide")))
    path = IMAGES / f"{scene.number:02}-{when}.webp"
    for quality in (80, 65, 50, 35):
        picture.save(path, "WEBP", quality=quality, method=6)
        if path.stat().st_size <= MOST_BYTES:
            break
    opened.close()
    print(f"{path.stat().st_size // 1024:5} kB  {path.name}", flush=True)


def _damage(folder: Path | None, root: Path) -> None:
    """Adds 1.00 to a balance behind the back of the guards, and verifies the books."""
    assert folder is not None
    (file,) = folder.glob("*.sqlite3")
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        guards = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            " AND tbl_name = 'accounts_account'"
        ).fetchall()
        for name, _ in guards:
            database.execute(f'DROP TRIGGER "{name}"')
        wrong = "UPDATE accounts_account SET balance = balance + 10000 WHERE name LIKE 'Gra%'"
        database.execute(wrong)
        for _, sql in guards:
            database.execute(sql)
    environment = os.environ | {"BANK_DATA_DIR": str(folder), "DATABASE_URL": ""}
    command = [sys.executable, "manage.py", "verify_ledger"]
    subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False)


if __name__ == "__main__":
    main()
