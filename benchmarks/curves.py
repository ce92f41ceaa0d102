"""Draws latencies over load as an SVG picture that needs no library and no network."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

Curve = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 170, 30, 50
_HEAD = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"
 font-family="sans-serif" font-size="12"><title>Latency at a fixed rate of requests</title>"""
# Distinct for people who see no red or green (Okabe and Ito, 2008).
_COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#d55e00", "#e69f00", "#cc79a7")


def drawn(curves: Mapping[str, Curve], *, most_percent: float = 220) -> str:
    """The picture of curves by name: percent of the capacity, and milliseconds on a log scale."""
    values = [value for curve in curves.values() for _, value in curve]
    low = math.floor(math.log10(min(values)))
    high = max(math.ceil(math.log10(max(values))), low + 1)

    def x(percent: float) -> float:
        return _LEFT + percent / most_percent * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        share = (math.log10(value) - low) / (high - low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_HEAD, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>']
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(_line(_LEFT, at, x(most_percent), at, "#dddddd"))
        parts.append(_text(_LEFT - 8, at + 4, f"{10.0**power:g} ms", "end"))
    bottom = _HEIGHT - _BOTTOM
    shares = range(0, int(most_percent) + 1, 20)
    parts += [_text(x(percent), bottom + 18, f"{percent} %", "middle") for percent in shares]
    parts.append(_line(x(100), _TOP, x(100), bottom, "#888888"))
    parts.append(_text(x(110), _HEIGHT - 8, "requests, of the capacity", "middle"))
    for number, (name, curve) in enumerate(curves.items()):
        colour, row = _COLOURS[number % len(_COLOURS)], _TOP + 20 + 20 * number
        points = [(x(percent), y(value)) for percent, value in curve]
        parts += [_line(*one, *other, colour) for one, other in pairwise(points)]
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        parts.append(_line(_WIDTH - _RIGHT + 15, row - 4, _WIDTH - _RIGHT + 35, row - 4, colour))
        parts.append(_text(_WIDTH - _RIGHT + 40, row, name, "start"))
    return "\n".join([*parts, "</svg>\n"])


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"'
        ' stroke-width="1.5"/>'
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
