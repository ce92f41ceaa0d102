"""The one parser of request bodies: JSON by RFC 8259, read strictly and exactly."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import IO, Any

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from core.errors import BankError, FieldError, InvalidInput

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 32
# Far longer than the largest amount, and far below the number of digits that int() refuses.
MAX_NUMBER_LENGTH = 64

_CONTAINERS = frozenset({dict, list})
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class PayloadTooLarge(BankError):
    """The body is longer than the view allows. Nothing was parsed."""

    code = "payload_too_large"


class StrictJSONParser(BaseParser):
    """Reads `application/json` in UTF-8. Refuses anything that two parsers could read differently.

    Numbers become int, or Decimal with the digits sent, but never float. A view may raise the limit
    of 64 kB with its attribute `max_body_bytes`.

    Raises PayloadTooLarge (413), UnsupportedMediaType (415) for another charset and for any content
    coding, and InvalidInput (400) for: no text or not UTF-8, a byte order mark, broken JSON, NaN
    and Infinity, exponents, numbers of more than 64 characters, an object that repeats a name,
    nesting deeper than 32, and lone surrogates. Serializers check the type of the top level.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = parser_context or {}
        headers = context["request"].META if "request" in context else {}
        _check_encoding(media_type or self.media_type, headers.get("HTTP_CONTENT_ENCODING", ""))
        max_bytes = getattr(context.get("view"), "max_body_bytes", MAX_BODY_BYTES)
        return loads(_read(stream, max_bytes, headers.get("CONTENT_LENGTH") or 0))


def loads(body: bytes) -> Any:
    """The value of the body. Raises InvalidInput as documented in `StrictJSONParser`."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise _invalid("The body must not begin with a byte order mark.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid(f"The body is not UTF-8 at byte {error.start}.") from error
    if not text.strip(" \t\r\n"):
        raise _invalid("The body is empty; JSON is required.")
    try:
        value = _DECODER.decode(text)
    except RecursionError:  # The decoder counts levels, and stops well before the stack is full.
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        detail = f"Not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        raise _invalid(detail) from error
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    if _ESCAPED_SURROGATE.search(text) and any(map(_SURROGATE.search, _strings(value))):
        raise _invalid("A text holds half of a surrogate pair.")
    return value


def _invalid(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("", "invalid_json", detail)])


def _check_encoding(media_type: str, content_encoding: str) -> None:
    sent, parameters = parse_header_parameters(media_type)
    if sent != "application/json":  # The framework accepts a pattern like */* as any type.
        raise UnsupportedMediaType(media_type)
    charset = parameters.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(media_type, detail="The charset must be utf-8.")
    if content_encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType(media_type, detail="The body must not be compressed or encoded.")


def _read(stream: IO[bytes], max_bytes: int, content_length: str | int) -> bytes:
    # The header can save reading at all. The read is limited whatever the header says.
    body = stream.read(max_bytes + 1) if int(content_length) <= max_bytes else b""
    if int(content_length) > max_bytes or len(body) > max_bytes:
        raise PayloadTooLarge(f"The body is longer than {max_bytes} bytes.")
    return body


def _check_depth(value: Any) -> None:
    """Raises InvalidInput for deep nesting. Goes level by level, without recursion."""
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        level = [
            member
            for container in level
            for member in (container.values() if container.__class__ is dict else container)
            if member.__class__ in _CONTAINERS
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> InvalidInput:
    return _invalid(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) < len(members):
        raise _invalid("An object has the same name twice.")
    return value


def _number(literal: str) -> int | Decimal:
    if len(literal) > MAX_NUMBER_LENGTH:
        raise _invalid(f"A number is longer than {MAX_NUMBER_LENGTH} characters.")
    if "e" in literal.lower():
        raise _invalid("A number has an exponent.")
    # An int has no negative zero, and a check that forbids signs must see this one.
    return Decimal(literal) if "." in literal or literal == "-0" else int(literal)


def _constant(literal: str) -> Any:
    raise _invalid(f"{literal} is not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_number,
    parse_int=_number,
    parse_constant=_constant,
)


def _strings(value: Any) -> Iterable[str]:
    """Every text in the value, names included. The checked depth bounds the recursion."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
