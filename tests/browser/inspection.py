"""The checks that every page of the console must pass."""

from contextlib import suppress
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, TimeoutError

from tests.browser.watched import Watched

WIDE, NARROW = 1440, 390
_VIOLATIONS: dict[str, Any] = {"resultTypes": ["violations"]}
# WCAG 2.2, levels A and AA, and axe-core's best practices. The sizes of targets are new in 2.2;
# axe-core looks at them only if asked.
_ALL = _VIOLATIONS | {"rules": {"target-size": {"enabled": True}}}
# The only rule that dark colours can break.
_COLOURS = _VIOLATIONS | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# Colours in a transition from light to dark would be judged half-way.
_DARKEN = """() => {
    document.documentElement.classList.add("dark");
    document.getAnimations().forEach(animation => animation.finish());
}"""
_LIGHTEN = "document.documentElement.classList.remove('dark')"
_OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

_axe = Axe()


def inspect(watched: Watched) -> None:
    """Asserts that the current page is usable.

    axe-core must have no finding of any level, in light or dark colours, at 1440 or at 390 pixels.
    The page must not be wider than its window. The browser must have no complaint.
    """
    page = watched.page
    problems = []
    for width in (WIDE, NARROW):
        if pixels := overhang_at(page, width):
            problems.append(f"{pixels} pixels wider than {width}")
        problems += [f"{width} light: {found}" for found in findings(page)]
        page.evaluate(_DARKEN)
        problems += [f"{width} dark: {found}" for found in findings(page, _COLOURS)]
        page.evaluate(_LIGHTEN)
    assert not problems, "\n".join([watched.path, *problems])
    watched.assert_clean()


def looked_at(watched: Watched) -> list[str]:
    """What is wrong with the current page, by one run of axe-core: narrow, in dark colours."""
    page = watched.page
    problems = [
        f"{pixels} pixels wider than {width}"
        for width in (WIDE, NARROW)
        if (pixels := overhang_at(page, width))
    ]
    page.evaluate(_DARKEN)
    problems += findings(page)
    return [f"{watched.path}: {problem}" for problem in problems]


def findings(page: Page, options: dict[str, Any] = _ALL) -> list[str]:
    """Rule, level, element and summary of each violation."""
    violations = _axe.run(page, options=options).response["violations"]
    return [
        f"{found['id']} ({found['impact']}): {node['target']} {node['failureSummary']}"
        for found in violations
        for node in found["nodes"]
    ]


def overhang_at(page: Page, width: int) -> int:
    """The number of pixels by which the settled page exceeds a window of this width."""
    page.set_viewport_size({"width": width, "height": 900})
    with suppress(TimeoutError):  # Charts resize a moment after their frame.
        page.wait_for_function(f"{_OVERHANG} === 0", timeout=2000)
    pixels: int = page.evaluate(_OVERHANG)
    return pixels
