"""The Idempotency-Key header, and what a request is known by.

A key belongs to its caller and stands for one request for ever. It is stored in the row that the
request made, so it commits with the money; a second request with the key finds that row.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from core.errors import FieldError, InvalidInput

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
MAX_KEY_LENGTH = 255

NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})

# Visible ASCII: what every HTTP library sends unchanged.
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_LENGTH}}}")


def idempotency_key(request: Request) -> str | None:
    """The key that the request carries, if any.

    Raises InvalidInput unless it is 1 to 255 visible ASCII characters.
    """
    key: str | None = request.headers.get(HEADER)
    if key is not None:
        check_key(key, pointer=HEADER)
    return key


def check_key(key: str, *, pointer: str) -> None:
    """Raises InvalidInput for what cannot be a key."""
    if not _KEY.fullmatch(key):
        detail = f"A key is 1 to {MAX_KEY_LENGTH} visible ASCII characters."
        raise InvalidInput(detail, errors=[FieldError(pointer, "invalid_key", detail)])


def fingerprint(operation: str, content: Mapping[str, Any]) -> str:
    """A digest (SHA-256, hexadecimal) of what was asked for, taken from the parsed content.

    The order of names, blanks, and `1.0` against `1.00` make no difference. Nothing that the server
    adds goes in. Of a request the content is first freed of what says nothing: `fingerprints`.
    """
    text = _CANONICAL_JSON.encode([operation, content])
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprints(
    operation: str, content: Mapping[str, Any], defaults: Mapping[str, Any] = NO_DEFAULTS
) -> dict[str, Any]:
    """The fields of a command that tell a request from others: its fingerprint, and an earlier one.

    A member that is not there, null, or its default is the same content. Rows of earlier releases
    were stored with the fingerprint of all that was sent, defaults included: it is there where it
    differs, and is empty elsewhere.
    """
    said = {
        name: value
        for name, value in content.items()
        if value is not None and (name not in defaults or value != defaults[name])
    }
    found = fingerprint(operation, said)
    earlier = fingerprint(operation, content) if len(said) < len(content) else ""
    return {"request_fingerprint": found, "earlier_fingerprint": earlier}


def keyed_fields(
    request: Request,
    operation: str,
    content: Mapping[str, Any],
    defaults: Mapping[str, Any] = NO_DEFAULTS,
) -> dict[str, Any]:
    """The fields that a command takes from the header; none where there is no header."""
    key = idempotency_key(request)
    if key is None:
        return {}
    return {"idempotency_key": key, **fingerprints(operation, content, defaults)}


def replay_headers(replayed: bool) -> dict[str, str]:
    """What tells an answer that was given before."""
    return {REPLAYED_HEADER: "true"} if replayed else {}


def _canonical(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"No canonical form for {type(value).__name__}.")


# Made once: `json.dumps` would make one for each call, which takes longer than to use it.
_CANONICAL_JSON = json.JSONEncoder(default=_canonical, sort_keys=True)
