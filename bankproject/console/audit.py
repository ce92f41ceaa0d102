"""The audit log: all sources as one list, newest first, page by page, at a bounded cost.

A page ends with a position in each source: the id of the next row. So no row is repeated or left
out, even if rows are added meanwhile.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

from bankproject.console.audit_records import AuditEntry, AuditSource, Wanted
from bankproject.console.audit_sources import SOURCES
from core.heartbeat import heartbeat
from core.identifiers import moment_of

# The most rows of a long source to scan for one page. If matches are rare, the page is short, and
# the next one continues there.
LOOKED_THROUGH = 100_000


class BadPosition(ValueError):
    """The position does not come from a page."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """`next` is the position of the next page, "" on the last page."""

    entries: list[AuditEntry]
    next: str


@dataclass(slots=True)
class _Part:
    """One source's part of a page: its rows, and its position after them.

    `horizon` is set if the source was not scanned to its end. Older rows of other sources must then
    wait for a later page.
    """

    source: AuditSource
    rows: list[tuple[Any, AuditEntry]]
    rest: Any = None
    horizon: datetime | None = None


def audit_page(
    wanted: Wanted, *, sources: Sequence[str], position: str = "", size: int
) -> AuditPage:
    """Up to `size` entries. At most two statements for each source. Raises BadPosition."""
    positions = _decoded(position, sources)
    parts = [_read(SOURCES[name], wanted, start, size) for name, start in positions.items()]
    horizons = [part.horizon for part in parts if part.horizon]
    horizon = max(horizons) if horizons else None
    entries: list[AuditEntry] = []
    taken = dict.fromkeys(positions, 0)
    for at, name, entry in _newest_first(parts):
        if len(entries) == size or (horizon is not None and at <= horizon):
            break
        entries.append(entry)
        taken[name] += 1
    rest: dict[str, str] = {}
    for part in parts:
        count = taken[part.source.name]
        upcoming = part.rows[count][0] if count < len(part.rows) else part.rest
        if upcoming is not None:
            rest[part.source.name] = str(upcoming)
    return AuditPage(entries, _encoded(rest) if rest else "")


def walk(wanted: Wanted, *, sources: Sequence[str], most: int) -> Iterator[AuditEntry]:
    """Up to `most` entries, newest first."""
    position, left = "", most
    while left:
        page = audit_page(wanted, sources=sources, position=position, size=min(left, 1000))
        heartbeat()
        yield from page.entries
        left -= len(page.entries)
        position = page.next
        if not position:
            return


def _newest_first(parts: Sequence[_Part]) -> Iterator[tuple[datetime, str, AuditEntry]]:
    lists = [[(entry.at, part.source.name, entry) for _, entry in part.rows] for part in parts]
    return merge(*lists, key=lambda row: row[0], reverse=True)


def _read(source: AuditSource, wanted: Wanted, start: Any, size: int) -> _Part:
    """Reads one row more than the page holds, to know where the source continues."""
    rows = source.rows(wanted)
    if rows is None:
        return _Part(source, [])
    if start is not None:
        rows = rows.filter(pk__lte=start)
    rest = _end_of_look(source, wanted, start) if source.is_long else None
    if rest is not None:
        rows = rows.filter(pk__gt=rest)
    found = [(row.pk, source.entry(row)) for row in rows.order_by("-pk")[: size + 1]]
    if rest is None or len(found) > size:
        return _Part(source, found)
    return _Part(source, found, rest=rest, horizon=moment_of(rest))


def _end_of_look(source: AuditSource, wanted: Wanted, start: Any) -> Any:
    """The first row too far after `start` to be scanned for this page; None if there is none.

    The search uses the primary key alone, without the other filters.
    """
    if wanted.transaction_id is not None:
        return None  # An index finds the rows.
    rows = source.all_rows(wanted)
    if start is not None:
        rows = rows.filter(pk__lte=start)
    beyond = rows.order_by("-pk").values_list("pk", flat=True)
    return next(iter(beyond[LOOKED_THROUGH : LOOKED_THROUGH + 1]), None)


def _encoded(rest: Mapping[str, str]) -> str:
    return urlsafe_b64encode(json.dumps(rest).encode()).decode().rstrip("=")


def _decoded(position: str, sources: Sequence[str]) -> dict[str, Any]:
    """The position of each source: None for its newest row. Finished sources are left out."""
    if not position:
        return dict.fromkeys(sources)
    try:
        found = json.loads(urlsafe_b64decode(position + "=" * (-len(position) % 4)))
        starts = {name: SOURCES[name].parse_id(text) for name, text in found.items()}
    except (BadBase64, KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadPosition(position) from error
    return {name: starts[name] for name in sources if name in starts}
