"""Entity tags and the conditions of a request (RFC 9110, sections 8.8.3 and 13.1)."""

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from core.api.conditions import Precondition, tag_of
from core.errors import InvalidInput, PreconditionFailed


def precondition(**headers: str) -> Precondition | None:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Precondition.of(Request(APIRequestFactory().get("/", headers=names)))


def test_without_a_header_there_is_no_condition() -> None:
    assert precondition() is None


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("*", {"*"}),
        (" * ", {"*"}),
        ('"a"', {'"a"'}),
        ('""', {'""'}),
        ('W/"a"', {'W/"a"'}),
        ('"a", W/"b" ,"c"', {'"a"', 'W/"b"', '"c"'}),
        # A comma, a backslash and bytes above ASCII belong to a tag; empty members do not count.
        (', "a,b",,\t"c\\", "\xe9" ,', {'"a,b"', '"c\\"', '"\xe9"'}),
    ],
)
def test_a_list_of_tags_is_read(text: str, tags: set[str]) -> None:
    assert precondition(If_Match=text) == Precondition(match=frozenset(tags))
    assert precondition(If_None_Match=text) == Precondition(none_match=frozenset(tags))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "a",
        '"a',
        'a"',
        '"a" "b"',
        "'a'",
        'w/"a"',
        'W/ "a"',
        '"a", *',
        '"a b"',
        '"a""b"',
    ],
)
def test_what_is_no_tag_is_refused_and_the_header_named(text: str) -> None:
    for name in ("If-Match", "If-None-Match"):
        with pytest.raises(InvalidInput) as caught:
            precondition(**{name: text})
        (error,) = caught.value.errors
        assert (error.pointer, error.code) == (name, "invalid_tag")


def test_a_long_list_is_read_in_a_moment() -> None:
    many = ",".join(["\t " * 50 + f'"{number}"' for number in range(2000)])
    found = precondition(If_Match=many)
    assert found is not None
    assert found.match is not None
    assert len(found.match) == 2000
    with pytest.raises(InvalidInput):
        precondition(If_Match=many + " " * 60_000 + "x")


@pytest.mark.parametrize(
    ("text", "matches", "is_copy"),
    [
        ("*", True, True),
        ('"a"', True, True),
        ('"b", "a"', True, True),
        ('W/"a"', False, True),
        ('"b", W/"a"', False, True),
        ('"b"', False, False),
        ('"A"', False, False),
        ('"aa"', False, False),
    ],
)
def test_if_match_compares_strongly_and_if_none_match_weakly(
    text: str, matches: bool, is_copy: bool
) -> None:
    match, none_match = precondition(If_Match=text), precondition(If_None_Match=text)
    assert match is not None
    assert none_match is not None
    assert none_match.has_copy('"a"') is is_copy
    assert not match.has_copy('"a"')
    none_match.check('"a"')
    for condition, holds in ((match, matches), (none_match, not is_copy)):
        if holds:
            condition.check_change('"a"')
        else:
            with pytest.raises(PreconditionFailed):
                condition.check_change('"a"')


def test_a_tag_is_that_of_the_bytes() -> None:
    one = tag_of({"a": "1", "b": None})
    assert one == tag_of({"a": "1", "b": None})
    others = [{"a": "1"}, {"a": "1", "b": ""}, {"a": "2", "b": None}, {"b": None, "a": "1"}]
    assert one not in {tag_of(other) for other in others}
    assert precondition(If_Match=one) == Precondition(match=frozenset({one}))
