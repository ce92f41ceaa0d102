"""Pages on paper: no menu, no forms and buttons, dark letters on white, and nothing cut off."""

from typing import Any

import pytest

from tests.browser.watched import Sit

pytestmark = pytest.mark.sqlite

PAGES = [
    "/admin/",
    "/admin/approvals/",
    "/admin/audit/",
    "/admin/statistics/?interval=hour",
    "/admin/accounts/account/",
    "/admin/transactions/transaction/",
]
# Lists whose first row has a page of its own.
LISTS = ["/admin/accounts/account/?q=Grace", "/admin/transactions/transaction/?q=Takings"]
# A4 without margins, in CSS pixels.
_PAPER = {"width": 718, "height": 1000}
# Of what a reader of paper can neither press nor fill in.
_USELESS = "#nav-sidebar, #header-inner, main header, button, select, textarea, [type=submit]"

# Each returns texts for people: what is wrong, and where.
_SHOWN = """(selector) => [...document.querySelectorAll(selector)]
    .filter(one => one.getClientRects().length && getComputedStyle(one).visibility === "visible")
    .map(one => `shown: ${one.outerHTML.slice(0, 120)}`)"""
_PALE = """() => {
    const parts = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([red, green, blue]) => (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
    const rgb = colour => {
        const drawing = document.createElement("canvas").getContext("2d");
        drawing.fillStyle = "#fff";
        drawing.fillRect(0, 0, 1, 1);
        drawing.fillStyle = colour;
        drawing.fillRect(0, 0, 1, 1);
        return drawing.getImageData(0, 0, 1, 1).data;
    };
    const found = [];
    for (const one of document.querySelectorAll("main *")) {
        const style = getComputedStyle(one);
        const has_text = [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!one.getClientRects().length || !has_text || one.closest("svg")) continue;
        if (light(rgb(style.color)) > 0.5) found.push(`pale: ${one.outerHTML.slice(0, 120)}`);
        for (let each = one; each; each = each.parentElement)
            if (light(rgb(getComputedStyle(each).backgroundColor)) < 0.6)
                found.push(`dark ground: ${one.outerHTML.slice(0, 120)}`);
    }
    return found;
}"""
_CUT = """() => [...document.querySelectorAll("main, main *")]
    .filter(one => one.getClientRects().length && one.clientWidth && !one.closest("svg"))
    .filter(one => {
        const style = getComputedStyle(one);
        const hides = overflow => ["auto", "scroll", "hidden", "clip"].includes(overflow);
        const is_for_ears = one.clientWidth <= 1;
        return !is_for_ears
            && (hides(style.overflowY) && one.scrollHeight > one.clientHeight + 1
                || hides(style.overflowX) && one.scrollWidth > one.clientWidth + 1);
    })
    .map(one => `cut: ${one.outerHTML.slice(0, 120)}`)"""
_OVERHANG = """() => {
    const root = document.documentElement;
    const pixels = root.scrollWidth - root.clientWidth;
    return pixels > 0 ? [`${pixels} pixels wider than the paper`] : [];
}"""


def problems_on_paper(page: Any) -> list[str]:
    page.evaluate("document.documentElement.classList.add('dark')")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size(_PAPER)
    page.wait_for_timeout(300)  # Charts are drawn for the new width.
    found = [*page.evaluate(_SHOWN, _USELESS)]
    for look in (_PALE, _CUT, _OVERHANG):
        found += page.evaluate(look)
    text = page.inner_text("main")
    assert len(text) > 100, text
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_prints(path: str, sit: Sit) -> None:
    assert problems_on_paper(sit("admin").open(path)) == []


@pytest.mark.parametrize("path", LISTS)
def test_the_page_of_a_row_prints(path: str, sit: Sit) -> None:
    page = sit("admin").open(path)
    page.locator("#result_list tbody th a").first.click()
    page.wait_for_url("**/change/**", wait_until="networkidle")
    assert problems_on_paper(page) == []


def test_what_prints_badly_is_found(sit: Sit) -> None:
    """The control of the tests above."""
    page = sit("admin").open("/admin/help/")
    page.evaluate(
        """() => {
            const wrong = document.createElement("div");
            wrong.innerHTML = '<div class="bank-buttons" style="display: block !important">'
                + '<button style="display: block !important">Press</button></div>'
                + '<p style="color: #ddd !important">Pale</p>'
                + '<p style="background: #000 !important">Dark</p>'
                + '<div style="height: 20px; overflow: auto">A<br>B<br>C<br>D</div>'
                + '<p style="width: 900px">Wide</p>';
            document.querySelector("main").append(wrong);
        }"""
    )
    kinds = {problem.partition(":")[0] for problem in problems_on_paper(page)}
    assert kinds >= {"shown", "pale", "dark ground", "cut"}
