"""Conditional requests (RFC 9110, section 13): ETag, If-None-Match and If-Match.

The tag of a response is a digest of its body, so that it changes with everything the body says. It
is a strong one: two bodies with one tag are the same bytes. If-Match compares strongly, and a weak
tag would never match.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from rest_framework import status
from rest_framework.request import Request

from core.api.renderers import BankJSONRenderer, json_response
from core.errors import FieldError, InvalidInput, PreconditionFailed

IF_MATCH, IF_NONE_MATCH = "If-Match", "If-None-Match"

_WEAK = "W/"
# A member of a list, which may be empty, up to its comma.
_MEMBER = re.compile(r'[ \t]*(?:((?:W/)?"[!\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|\Z)')

# Any tag will do, as long as there is something to be tagged.
_ANY = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Precondition:
    """The tags of If-Match and of If-None-Match as they were sent; None without the header."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    @classmethod
    def of(cls, request: Request) -> "Precondition | None":
        """The precondition of a request, None without one. Raises InvalidInput for a bad header."""
        match = _tags(request.META.get("HTTP_IF_MATCH"), IF_MATCH)
        none_match = _tags(request.META.get("HTTP_IF_NONE_MATCH"), IF_NONE_MATCH)
        return None if match is None and none_match is None else cls(match, none_match)

    def check(self, tag: str) -> None:
        """Raises PreconditionFailed unless If-Match allows a request for a resource with this tag.

        By the strong comparison: a weak tag never matches.
        """
        if self.match is None or self.match == _ANY or tag in self.match:
            return
        raise PreconditionFailed("The resource has changed: read it again.")

    def has_copy(self, tag: str) -> bool:
        """Whether If-None-Match names this tag: the client has these bytes already.

        By the weak comparison: a cache in between may have made the tag weak.
        """
        if self.none_match is None:
            return False
        return self.none_match == _ANY or tag in {
            one.removeprefix(_WEAK) for one in self.none_match
        }

    def check_change(self, tag: str) -> None:
        """As `check`, for a change, which If-None-Match can forbid too."""
        self.check(tag)
        if self.has_copy(tag):
            raise PreconditionFailed("The resource has a tag of If-None-Match.")


def tag_of(data: Any) -> str:
    """The tag of a response with this data."""
    return _tag(_body(data))


def tagged(request: Request, data: Any) -> HttpResponse:
    """A response with this data and its tag."""
    body = _body(data)
    return json_response(request, body, headers={"ETag": _tag(body)})


def answer(request: Request, data: Any) -> HttpResponse:
    """The response to a read of this data: with its tag, or 304 without a body.

    Raises InvalidInput for a bad header, and PreconditionFailed.
    """
    precondition = Precondition.of(request)
    body = _body(data)
    tag = _tag(body)
    if precondition is not None:
        precondition.check(tag)
        if precondition.has_copy(tag):
            return _not_modified(tag, len(body))
    return json_response(request, body, headers={"ETag": tag})


def _not_modified(tag: str, length: int) -> HttpResponse:
    # The length is that of the body that a 200 would have (section 8.6).
    headers = {"ETag": tag, "Content-Length": str(length)}
    response = HttpResponse(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
    del response["Content-Type"]
    return response


def _body(data: Any) -> bytes:
    # A tagged body is the same for every Accept, so there is one way to write it.
    return BankJSONRenderer().render(data, BankJSONRenderer.media_type)


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _tags(text: str | None, name: str) -> frozenset[str] | None:
    """The tags of a header: `*`, or a list of tags in quotes. Raises InvalidInput."""
    if text is None:
        return None
    if text.strip() == "*":
        return _ANY
    found: set[str] = set()
    position = 0
    while position < len(text):
        member = _MEMBER.match(text, position)
        if member is None:
            raise _malformed(name)
        found |= {member[1]} if member[1] else set()
        position = member.end()
    if not found:
        raise _malformed(name)
    return frozenset(found)


def _malformed(name: str) -> InvalidInput:
    detail = f'{name} takes * or tags in quotes, as ETag has them: "5d41402a".'
    return InvalidInput(detail, errors=[FieldError(name, "invalid_tag", detail)])
