"""Bars on top of each page of the console: what is wrong with the bank, until it is mended.

An app registers a source in its `ready`. A page asks every source once, so a source must be cheap
or keep what it has read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Bar:
    """One sentence on what is wrong. `link` leads to more about it, in the words of `link_text`.

    An urgent bar is red and comes first; the others are amber.
    """

    text: str
    link: str = ""
    link_text: str = "Show"
    is_urgent: bool = True


Source = Callable[[HttpRequest], Iterable[Bar]]

_sources: list[Source] = []


def register(source: Source) -> Source:
    """Adds a source. `source(request)` gives the bars for the user of the request."""
    if source not in _sources:
        _sources.append(source)
    return source


def unregister(source: Source) -> None:
    _sources.remove(source)


def bars_of(request: HttpRequest) -> list[Bar]:
    """The bars of a page, urgent ones first, each kind in the order of its sources."""
    found = [bar for source in _sources for bar in source(request)]
    return sorted(found, key=lambda bar: not bar.is_urgent)
