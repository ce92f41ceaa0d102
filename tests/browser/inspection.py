"""The checks that every page of the console must pass."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import JSHandle, Page, TimeoutError

from tests.browser.watched import Watched

WIDE, NARROW = 1440, 390
_VIOLATIONS: dict[str, Any] = {"resultTypes": ["violations"]}
# WCAG 2.2, levels A and AA, and axe-core's best practices. The sizes of targets are new in 2.2;
# axe-core looks at them only if asked.
_ALL = _VIOLATIONS | {"rules": {"target-size": {"enabled": True}}}
# The only rule that colours can break.
_COLOURS = _VIOLATIONS | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
_OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_TOOLS = Path(__file__).with_suffix(".js").read_text("utf-8")
_AXE = Axe().axe_script


def inspect(watched: Watched) -> None:
    """Asserts that the current page is usable.

    axe-core must have no finding of any level, in light or dark colours, at 1440 or at 390 pixels.
    The page must not be wider than its window. The browser must have no complaint.

    All rules are tried wide in light colours and narrow in dark ones. In the other two, contrast is
    tried where a text looks otherwise: most have the same colours at both widths, and contrast is
    by far the dearest rule.
    """
    page = watched.page
    problems = _overhangs(page)
    tools = _tools(page)
    page.evaluate("tools => tools.hideRows()", tools)
    page.evaluate("tools => tools.darken()", tools)
    seen = page.evaluate_handle("tools => tools.looks()", tools)
    problems += _found(f"{NARROW} dark", page, tools, _ALL)
    _resize(page, WIDE)
    problems += _found(f"{WIDE} dark", page, tools, _COLOURS, besides=seen)
    page.evaluate("tools => tools.lighten()", tools)
    seen = page.evaluate_handle("tools => tools.looks()", tools)
    problems += _found(f"{WIDE} light", page, tools, _ALL)
    _resize(page, NARROW)
    problems += _found(f"{NARROW} light", page, tools, _COLOURS, besides=seen)
    page.evaluate("tools => tools.showRows()", tools)
    assert not problems, "\n".join([watched.path, *problems])
    watched.assert_clean()


def looked_at(watched: Watched) -> list[str]:
    """What is wrong with the current page, by one run of axe-core: narrow, in dark colours."""
    page = watched.page
    problems = _overhangs(page)
    tools = _tools(page)
    page.evaluate("tools => tools.darken()", tools)
    problems += _found(f"{NARROW} dark", page, tools, _ALL)
    return [f"{watched.path}: {problem}" for problem in problems]


def findings(page: Page) -> list[str]:
    """Rule, level, element and summary of each violation."""
    return _found("now", page, _tools(page), _ALL)


def overhang_at(page: Page, width: int) -> int:
    """The number of pixels by which the settled page exceeds a window of this width."""
    _resize(page, width)
    pixels: int = page.evaluate(_OVERHANG)
    if pixels:  # Charts resize a moment after their frame.
        with suppress(TimeoutError):
            page.wait_for_function(f"{_OVERHANG} === 0", timeout=2000)
        pixels = page.evaluate(_OVERHANG)
    return pixels


def _overhangs(page: Page) -> list[str]:
    """Of both widths; the page is narrow afterwards."""
    return [
        f"{pixels} pixels wider than {width}"
        for width in (WIDE, NARROW)
        if (pixels := overhang_at(page, width))
    ]


def _resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})


def _tools(page: Page) -> JSHandle:
    page.evaluate(_AXE)
    return page.evaluate_handle(_TOOLS)


def _found(
    when: str,
    page: Page,
    tools: JSHandle,
    options: dict[str, Any],
    *,
    besides: JSHandle | None = None,
) -> list[str]:
    """What axe-core finds, in the whole page or `besides` the texts that looked the same there."""
    call = "([tools, options]) => tools.findings(options)"
    if besides:
        call = "([tools, options, seen]) => tools.findings(options, tools.unseen(seen))"
    found: list[str] = page.evaluate(call, [tools, options, besides])
    return [f"{when}: {one}" for one in found]
