"""Finds the view of a path with an id: Django tries one route after another for each request."""

from typing import Any

from django.urls import ResolverMatch, URLResolver, get_resolver, resolve

from core.api.paths import CONVERTER
from core.identifiers import parse_uuid

_ID_LENGTH = 36
# A resolver, and the text of a path before and after its one id. So there are no more than routes.
_Shape = tuple[URLResolver, str, str]
_known: dict[_Shape, ResolverMatch] = {}


def resolved(path: str) -> ResolverMatch:
    """As Django's `resolve`, in a fraction of the time if a path of this route came before.

    Raises Resolver404.
    """
    ids = [part for part in path.split("/") if len(part) == _ID_LENGTH]
    if len(ids) != 1:
        return resolve(path)
    before, _, after = path.partition(f"/{ids[0]}/")
    shape = get_resolver(), before, after
    known = _known.get(shape)
    if known is None:
        return _remembered(path, shape)
    try:
        kwargs: dict[str, Any] = dict.fromkeys(known.kwargs, parse_uuid(ids[0]))
    except ValueError:
        return resolve(path)
    # A copy; Django forbids `copy` by forbidding pickles.
    match = ResolverMatch.__new__(ResolverMatch)
    match.__dict__.update(known.__dict__, kwargs=kwargs, captured_kwargs=kwargs)
    return match


def _remembered(path: str, shape: _Shape) -> ResolverMatch:
    """Resolves the path. Remembers a route that has the id and otherwise only constant text."""
    match = resolve(path)
    _, before, after = shape
    names = [*match.kwargs]
    if len(names) == 1 and match.route == f"{before[1:]}/<{CONVERTER}:{names[0]}>/{after}":
        _known[shape] = match
    return match
