import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from core.api.pagination import KeysetPagination, PageResult, paginate_by_id
from core.errors import InvalidInput


@dataclass(frozen=True)
class Line:
    sequence: int


class Ledger:
    """A list of lines, highest sequence first, that can grow at both ends and in between."""

    def __init__(self, sequences: Sequence[int]) -> None:
        self.sequences = set(sequences)
        self.limits: list[int] = []

    def fetch(self, *, after: int | None, backwards: bool, limit: int) -> list[Line]:
        assert not (backwards and after is None)
        self.limits.append(limit)
        beyond = [
            sequence
            for sequence in self.sequences
            if after is None or (sequence > after if backwards else sequence < after)
        ]
        return [Line(number) for number in sorted(beyond, reverse=not backwards)[:limit]]

    def page(self, url: str, kind: str = "lines") -> PageResult[Line]:
        request = Request(APIRequestFactory().get(url))
        return KeysetPagination.paginate(
            request, self.fetch, key=lambda line: line.sequence, kind=kind, parse_key=int
        )


def numbers(page: PageResult[Line]) -> list[int]:
    return [line.sequence for line in page.results]


def test_pages_are_walked_forwards_and_back() -> None:
    ledger = Ledger(range(1, 8))
    first = ledger.page("/lines/?page_size=3")
    assert (numbers(first), first.previous) == ([7, 6, 5], None)
    second = ledger.page(first.next or "")
    assert numbers(second) == [4, 3, 2]
    third = ledger.page(second.next or "")
    assert (numbers(third), third.next) == ([1], None)

    back = ledger.page(third.previous or "")
    assert numbers(back) == [4, 3, 2]
    assert numbers(ledger.page(back.next or "")) == [1]
    start = ledger.page(back.previous or "")
    assert (numbers(start), start.previous) == ([7, 6, 5], None)
    assert numbers(ledger.page(start.next or "")) == [4, 3, 2]
    assert set(ledger.limits) == {4}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_of_one_page_has_no_neighbours(count: int) -> None:
    page = Ledger(range(count)).page("/lines/?page_size=3")
    assert (page.next, page.previous, len(page.results)) == (None, None, count)


def test_the_page_size_is_50_unless_asked_for() -> None:
    ledger = Ledger(range(500))
    assert len(ledger.page("/lines/").results) == 50
    assert len(ledger.page("/lines/?page_size=200").results) == 200
    assert len(ledger.page("/lines/?page_size=1").results) == 1


def test_urls_are_absolute_and_keep_the_other_parameters() -> None:
    page = Ledger(range(9)).page("/lines/?page_size=3&search=a%26b%20%C3%A9&status=X")
    url = urlsplit(page.next or "")
    assert (url.scheme, url.netloc, url.path) == ("http", "testserver", "/lines/")
    query = parse_qs(url.query)
    assert set(query) == {"page_size", "search", "status", "cursor"}
    assert (query["search"], query["status"], query["page_size"]) == (["a&b é"], ["X"], ["3"])


@given(
    st.sets(st.integers(0, 40)),
    st.lists(st.sets(st.integers(0, 40)), min_size=45, max_size=45),
    st.integers(1, 5),
)
def test_a_walk_returns_what_was_there_exactly_once(
    before: set[int], inserted: list[set[int]], size: int
) -> None:
    """R1: rows appear anywhere between any two pages, and the walk goes forwards and back."""
    ledger = Ledger(sorted(before))
    page = ledger.page(f"/lines/?page_size={size}")
    walked = numbers(page)
    for more in inserted:
        if page.next is None:
            break
        ledger.sequences |= more
        page = ledger.page(page.next)
        walked += numbers(page)
    assert page.next is None
    assert walked == sorted(set(walked), reverse=True)
    assert before <= set(walked)

    last, back = numbers(page), numbers(page)
    there = set(ledger.sequences)
    while page.previous is not None:
        page = ledger.page(page.previous)
        back = numbers(page) + back
    assert back == sorted((n for n in there if not last or n >= last[-1]), reverse=True)


def test_an_empty_page_before_the_first_row_leads_to_the_start() -> None:
    ledger = Ledger(range(6))
    second = ledger.page(ledger.page("/lines/?page_size=3").next or "")
    ledger.sequences = {0}
    page = ledger.page(second.previous or "")
    assert (page.results, page.previous) == ([], None)
    assert page.next == "http://testserver/lines/?page_size=3"


@pytest.mark.parametrize(
    "size",
    ["-1", "0", "201", "1000", "x", "", "1.5", "1e1", " 5", "+5", "05", "٥", "5\n", "9" * 5_000],
)
def test_a_bad_page_size_is_refused(size: str) -> None:
    request = Request(APIRequestFactory().get("/lines/", {"page_size": size}))
    with pytest.raises(InvalidInput) as raised:
        KeysetPagination.paginate(request, Ledger([]).fetch, key=str, kind="lines")
    (error,) = raised.value.errors
    assert (error.pointer, error.code) == ("page_size", "invalid_page_size")
    assert error.detail == "A whole number from 1 to 200 is required."


@pytest.mark.parametrize("name", ["page_size", "cursor"])
def test_a_repeated_parameter_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Ledger([]).page(f"/lines/?{name}=5&{name}=5")
    (error,) = raised.value.errors
    assert (error.pointer, error.code) == (name, "repeated")


def cursor_of(url: str | None) -> str:
    return parse_qs(urlsplit(url or "").query)["cursor"][0]


def assert_invalid_cursor(path: str, cursor: str, kind: str = "lines") -> None:
    request = Request(APIRequestFactory().get(path, {"cursor": cursor}))
    with pytest.raises(InvalidInput) as raised:
        KeysetPagination.paginate(request, Ledger([]).fetch, key=str, kind=kind)
    (error,) = raised.value.errors
    assert (error.pointer, error.code) == ("cursor", "invalid_cursor")


def test_a_foreign_cursor_is_refused() -> None:
    cursor = cursor_of(Ledger(range(9)).page("/lines/?page_size=3").next)
    assert numbers(Ledger(range(9)).page(f"/lines/?cursor={cursor}")) == [5, 4, 3, 2, 1, 0]
    assert_invalid_cursor("/other/", cursor)
    assert_invalid_cursor("/lines/", cursor, kind="other")


@pytest.mark.parametrize(
    "broken",
    ["", "x", "é", "====", "AAAA", "-1", "null", "\x00", "A" * 10_000, "KzU", "' OR 1=1 --"],
)
def test_a_broken_cursor_is_refused(broken: str) -> None:
    assert_invalid_cursor("/lines/", broken)


def test_a_forged_cursor_is_refused() -> None:
    cursor = cursor_of(Ledger(range(9)).page("/lines/?page_size=3").next)
    plain = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert plain.startswith(b"+6:")
    for forged in (b"-" + plain[1:], b"+7" + plain[2:], b"+6", plain[:-1], plain + b"x"):
        assert_invalid_cursor("/lines/", urlsafe_b64encode(forged).decode().rstrip("="))


@dataclass(frozen=True)
class Thing:
    id: UUID


def test_a_list_of_ids_gives_ids_to_fetch() -> None:
    things = [Thing(UUID(int=number)) for number in (1, 2, 3)]
    asked: list[Any] = []

    def fetch(*, after: UUID | None, backwards: bool, limit: int) -> list[Thing]:
        asked.append((after, backwards, limit))
        return [thing for thing in things if after is None or thing.id > after][:limit]

    first = paginate_by_id(Request(APIRequestFactory().get("/things/?page_size=2")), fetch)
    second = paginate_by_id(Request(APIRequestFactory().get(first.next or "")), fetch)
    assert (first.results, second.results) == (things[:2], things[2:])
    assert asked == [(None, False, 3), (UUID(int=2), False, 3)]
    request = Request(APIRequestFactory().get("/things/"))
    request.accepted_media_type = "application/json"
    sent = json.loads(first.response(request, ["a"]).content)
    assert sent == {"next": first.next, "previous": None, "results": ["a"]}
