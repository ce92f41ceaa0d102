"""What every page of the console is held to, on one visit."""

from contextlib import suppress
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, TimeoutError

from tests.browser.watched import Watched

WIDE, NARROW = 1440, 390
_SEVERE = {"serious", "critical"}
# WCAG 2.2, levels A and AA, and what axe-core calls best practice.
_ALL: dict[str, Any] = {"resultTypes": ["violations"]}
# Of the rules, dark colours can break this one only.
_COLOURS = _ALL | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# Colours that are still on their way from light to dark would be judged half-way.
_DARKEN = """() => {
    document.documentElement.classList.add("dark");
    document.getAnimations().forEach(animation => animation.finish());
}"""
_OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

_axe = Axe()


def inspect(watched: Watched) -> None:
    """The page on show: no serious or critical finding of axe-core in light or dark colours, no
    wider than its window at 1440 and at 390 pixels, and nothing that the browser complained about.
    """
    page = watched.page
    problems = [f"light: {found}" for found in severe(page, _ALL)]
    page.evaluate(_DARKEN)
    problems += [f"dark: {found}" for found in severe(page, _COLOURS)]
    page.evaluate("document.documentElement.classList.remove('dark')")
    for width in (WIDE, NARROW):
        if pixels := overhang_at(page, width):
            problems.append(f"{pixels} pixels wider than {width}")
    assert not problems, "\n".join([watched.path, *problems])
    watched.assert_clean()


def severe(page: Page, options: dict[str, Any] = _ALL) -> list[str]:
    """The rule, the element and what is wrong with it, of each violation that bars someone."""
    violations = _axe.run(page, options=options).response["violations"]
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in violations
        if found["impact"] in _SEVERE
        for node in found["nodes"]
    ]


def overhang_at(page: Page, width: int) -> int:
    """By how many pixels the page is wider than a window of this width, once it has settled."""
    page.set_viewport_size({"width": width, "height": 900})
    with suppress(TimeoutError):  # Charts follow their frame a moment later.
        page.wait_for_function(f"{_OVERHANG} === 0", timeout=2000)
    pixels: int = page.evaluate(_OVERHANG)
    return pixels
