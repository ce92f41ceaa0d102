"""Keyset pagination: a page begins after the key of the last row of the page before.

Lists are ordered by the key, which is unique and never changes. So a walk from page to page returns
every row that existed when it began exactly once, whatever is inserted meanwhile, and the last page
costs as much as the first.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param

from core.api.renderers import json_response
from core.api.stale_reads import read_rows, tell_age
from core.errors import FieldError, InvalidInput

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
# A page asks for one row more than it shows.
USUAL_LIMIT = DEFAULT_PAGE_SIZE + 1
_MAX_CURSOR_LENGTH = 512
_NUMBER = re.compile("[1-9][0-9]{0,2}")

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)
Stored = TypeVar("Stored", bound=Model)


class Page(Protocol[Row_co]):
    """Reads a page: up to `limit` rows after the row with the key `after`, nearest first.

    Without `after`, from the start of the list. With `backwards`, the rows before `after`, in the
    reverse of the list's own order; `backwards` is never given without `after`.
    """

    def __call__(self, *, after: Any, backwards: bool, limit: int) -> Sequence[Row_co]: ...


class PageById(Protocol[Row_co]):
    """A `Page` of rows whose key is their id."""

    def __call__(self, *, after: UUID | None, backwards: bool, limit: int) -> Sequence[Row_co]: ...


@dataclass(frozen=True, slots=True)
class PageResult(Generic[Row]):
    """A page in the list's own order, and the absolute URLs of its neighbours."""

    next: str | None
    previous: str | None
    results: list[Row]
    # Of rows from the replica.
    age_seconds: float | None = None

    def response(self, request: Request, results: Any) -> HttpResponse:
        """The response, with the serialised rows."""
        members = {"next": self.next, "previous": self.previous, "results": results}
        response = json_response(request, members)
        tell_age(response, self.age_seconds)
        return response


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The start of a page. On the wire it is opaque, and signed for its list's path and kind."""

    key: str
    backwards: bool

    def encode(self, salt: str) -> str:
        signed = Signer(salt=salt).sign(f"{'-' if self.backwards else '+'}{self.key}")
        return urlsafe_b64encode(signed.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, salt: str) -> "_Cursor":
        """Raises ValueError unless `encode` made the text, for this list."""
        if len(text) > _MAX_CURSOR_LENGTH:
            raise ValueError("too long")
        signed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode()
        try:
            value = Signer(salt=salt).unsign(signed)
        except BadSignature as error:
            raise ValueError("not ours") from error
        return cls(key=value[1:], backwards=value[0] == "-")


class KeysetPagination:
    """Pages by the parameters `page_size` (1 to 200, default 50) and `cursor`.

    As a view's `pagination_class` it describes the page to drf-spectacular.
    """

    @staticmethod
    def get_schema_operation_parameters(_view: Any) -> list[dict[str, Any]]:
        return []  # the serializer of the query describes them, with the filters

    @staticmethod
    def get_paginated_response_schema(schema: dict[str, Any]) -> dict[str, Any]:
        url = {"type": "string", "format": "uri", "nullable": True}
        example = "http://127.0.0.1:5000/api/v1/accounts/?cursor=KzAxOWFiMGMx"
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {
                    **url,
                    "description": "URL of the next page; null on the last one.",
                    "example": example,
                },
                "previous": {
                    **url,
                    "description": "URL of the page before; null on the first one.",
                    "example": None,
                },
                "results": schema,
            },
        }

    @staticmethod
    def paginate(
        request: Request,
        fetch: Page[Row],
        *,
        key: Callable[[Row], object],
        kind: str,
        parse_key: Callable[[str], Any] = str,
    ) -> PageResult[Row]:
        """The requested page.

        `key` gives a row's key, printed by `str` into cursors and read back by `parse_key` for
        `fetch`. Cursors are good for one `kind` of list on one path only; other parameters may
        change between pages, and are kept in the URLs.

        `previous` is null on the first page and `next` on the last; one extra row is fetched to
        find out. A cursor with no rows after it gives an empty page. If the cursor led backwards,
        that page's `next` is the start of the list.

        With `Prefer: stale-ok` the replica may answer (`core.api.stale_reads`).

        Raises InvalidInput, naming the parameter, for a bad or repeated page size, and for a cursor
        that is broken, repeated, or from another list.
        """
        salt = f"cursor {kind} {request.path}"
        size = page_size(request)
        cursor = _cursor(request, salt)
        backwards = cursor is not None and cursor.backwards
        after = None if cursor is None else parse_key(cursor.key)
        fetched, age = read_rows(
            request, partial(fetch, after=after, backwards=backwards, limit=size + 1)
        )
        rows, has_more = fetched[:size], len(fetched) > size
        if backwards:
            rows.reverse()

        url = request.build_absolute_uri()

        def beyond(row: Row, *, backwards: bool) -> str:
            encoded = _Cursor(str(key(row)), backwards).encode(salt)
            return replace_query_param(url, "cursor", encoded)

        following = previous = None
        if rows and (has_more or backwards):
            following = beyond(rows[-1], backwards=False)
        elif backwards:
            following = remove_query_param(url, "cursor")
        if rows and (has_more if backwards else cursor is not None):
            previous = beyond(rows[0], backwards=True)
        return PageResult(following, previous, rows, age)


def paginate_by_id(request: Request, fetch: PageById[Row]) -> PageResult[Row]:
    """The requested page of a list ordered by id."""
    return KeysetPagination.paginate(request, fetch, key=_id, kind="id", parse_key=UUID)


def page_of(rows: QuerySet[Stored]) -> PageById[Stored]:
    """Reads a page of these rows, newest first, after an id."""

    def fetch(*, after: UUID | None, backwards: bool, limit: int) -> list[Stored]:
        beyond = rows
        if after is not None:
            beyond = rows.filter(Q(id__gt=after) if backwards else Q(id__lt=after))
        return list(beyond.order_by("id" if backwards else "-id")[:limit])

    return fetch


def _id(row: Any) -> UUID:
    identifier: UUID = row.id
    return identifier


def _single(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise _invalid(name, "repeated", "This parameter is given twice.")
    return values[0] if values else None


def page_size(request: Request) -> int:
    """The parameter `page_size`, by default 50. Raises InvalidInput."""
    text = _single(request, "page_size")
    if text is None:
        return DEFAULT_PAGE_SIZE
    if not _NUMBER.fullmatch(text) or int(text) > MAX_PAGE_SIZE:
        detail = f"A whole number from 1 to {MAX_PAGE_SIZE} is required."
        raise _invalid("page_size", "invalid_page_size", detail)
    return int(text)


def _cursor(request: Request, salt: str) -> _Cursor | None:
    text = _single(request, "cursor")
    if text is None:
        return None
    try:
        return _Cursor.decode(text, salt)
    except ValueError as error:
        detail = "Take the cursor of next or previous, of this very list."
        raise _invalid("cursor", "invalid_cursor", detail) from error


def _invalid(name: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError(name, code, detail)])
