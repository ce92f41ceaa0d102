import io
import time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.exceptions import UnsupportedMediaType

from core.api.parsers import MAX_BODY_BYTES, PayloadTooLarge, StrictJSONParser, loads
from core.errors import InvalidInput


def parse(
    body: bytes, media_type: str = "application/json", view: Any = None, **headers: str
) -> Any:
    request = SimpleNamespace(META={"CONTENT_LENGTH": str(len(body)), **headers})
    return StrictJSONParser().parse(
        io.BytesIO(body), media_type, {"request": request, "view": view}
    )


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * depth + closing * depth).encode()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"amount": 123456789.01}', {"amount": Decimal("123456789.01")}),
        (b'{"amount": 1.10}', {"amount": Decimal("1.10")}),
        (b"[1, true, null]", [1, True, None]),
        (b' "x" ', "x"),
        ('{"ключ": "🏦"}'.encode(), {"ключ": "🏦"}),
        (rb'"\ud83c\udfe6"', "🏦"),
        (rb'"\\ud800"', r"\ud800"),
        (b'{"a": {"a": 1}}', {"a": {"a": 1}}),
        (b'["[[[[{{{{", "\\"[[["]', ["[[[[{{{{", '"[[[']),
        (nested(32), None),
        (b'"' + b"[" * 1_000 + b'"', "[" * 1_000),
        (b'["\\"' + b"[" * 100 + b'"]', ['"' + "[" * 100]),
        (b"9" * 64, int("9" * 64)),
    ],
)
def test_json_is_read_exactly(body: bytes, value: Any) -> None:
    parsed = parse(body)
    if value is not None:
        assert parsed == value
        assert type(parsed) is type(value)


def test_numbers_keep_their_digits_and_a_negative_zero_its_sign() -> None:
    numbers = parse(b"[1.10, 0.1, -0, 10]")
    assert [str(number) for number in numbers] == ["1.10", "0.1", "-0", "10"]
    assert not any(isinstance(number, float) for number in numbers)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "The body is empty; JSON is required."),
        (b" \r\n\t", "The body is empty; JSON is required."),
        (b'{"a": 1, "a": 1}', "An object has the same name twice."),
        (rb'[{"a": 1, "\u0061": 2}]', "An object has the same name twice."),
        (b"NaN", "NaN is not JSON."),
        (b'{"amount": Infinity}', "Infinity is not JSON."),
        (b"-Infinity", "-Infinity is not JSON."),
        (b"1e400", "A number has an exponent."),
        (b"1E+2", "A number has an exponent."),
        (b"[1.5e0]", "A number has an exponent."),
        (b"9" * 5_000, "A number is longer than 64 characters."),
        (b"1." + b"0" * 1_000, "A number is longer than 64 characters."),
        (b"\xef\xbb\xbf{}", "The body must not begin with a byte order mark."),
        (b'"\xff"', "The body is not UTF-8 at byte 1."),
        (b'"\xed\xa0\x80"', "The body is not UTF-8 at byte 1."),
        ("{}".encode("utf-16"), "The body is not UTF-8 at byte 0."),
        (rb'"\ud800"', "A text holds half of a surrogate pair."),
        (rb'[{"a": ["\uDFFF"]}]', "A text holds half of a surrogate pair."),
        (rb'{"\udc00\ud800": 1}', "A text holds half of a surrogate pair."),
        (nested(33), "The body is nested deeper than 32 levels."),
        (
            nested(33, '{"a":', "}").replace(b":}", b":1}"),
            "The body is nested deeper than 32 levels.",
        ),
        (b"[" * 30_000, "The body is nested deeper than 32 levels."),
        (
            b'["' + b"x" * 9 + b'\\\\",' + nested(33) + b"]",
            "The body is nested deeper than 32 levels.",
        ),
    ],
)
def test_what_is_not_plain_json_is_refused(body: bytes, detail: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(body)
    assert raised.value.detail == detail
    (error,) = raised.value.errors
    assert (error.pointer, error.code, error.detail) == ("", "invalid_json", detail)


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1,]", b"{'a': 1}", b"{a: 1}", b"[01]", b"[1.]", b"[.5]", b"[+1]", b"[0x10]", b"1 2"]
    + [b'"a\nb"', b'"a\x00b"', b'"\\x41"', b"// no", b"nul", b'"', b"]" * 40 + b"[" * 40]
    + ['["\u00a0"]\u00a0'.encode()],
)
def test_broken_json_is_refused_with_its_place(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"^Not JSON: .*, line \d+, column \d+\.$"):
        parse(body)


@pytest.mark.parametrize("unit", [b'"\\', b'\\"', b'"', b"[]", b'{"', b"\\"])
def test_hostile_bodies_are_scanned_in_linear_time(unit: bytes) -> None:
    body = b"[" * 33 + unit * 1_000_000
    started = time.process_time()
    with pytest.raises(InvalidInput):
        loads(b'"' + body)
    with pytest.raises(InvalidInput):
        loads(body)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "media_type",
    ["application/json; charset=utf-8", 'application/json; charset="UTF-8"']
    + ["application/json;charset=utf8", "application/json; profile=x"],
)
def test_utf_8_may_be_said(media_type: str) -> None:
    assert parse(b"{}", media_type) == {}


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "us-ascii", "utf-7", "x", '""'])
def test_another_charset_is_refused(charset: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="charset must be utf-8"):
        parse(b"{}", f"application/json; charset={charset}")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip", "GZIP"])
def test_a_content_coding_is_refused(coding: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="must not be compressed"):
        parse(b"{}", HTTP_CONTENT_ENCODING=coding)
    assert parse(b"{}", HTTP_CONTENT_ENCODING="identity") == {}


def body_of(length: int) -> bytes:
    return b'"' + b"x" * (length - 2) + b'"'


@pytest.mark.parametrize("content_length", ["", "0", "10"])
def test_a_body_is_limited_whatever_its_header_says(content_length: str) -> None:
    parse(body_of(MAX_BODY_BYTES), CONTENT_LENGTH=content_length)
    with pytest.raises(PayloadTooLarge, match="longer than 65536 bytes"):
        parse(body_of(MAX_BODY_BYTES + 1), CONTENT_LENGTH=content_length)


def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    stream = io.BytesIO(b"{}")
    request = SimpleNamespace(META={"CONTENT_LENGTH": str(MAX_BODY_BYTES + 1)})
    with pytest.raises(PayloadTooLarge):
        StrictJSONParser().parse(stream, "application/json", {"request": request, "view": None})
    assert stream.tell() == 0


def test_a_view_may_set_its_own_limit() -> None:
    view = SimpleNamespace(max_body_bytes=100_000)
    assert len(parse(body_of(100_000), view=view)) == 99_998
    with pytest.raises(PayloadTooLarge, match="longer than 100000 bytes"):
        parse(body_of(100_001), view=view)
