"""The Idempotency-Key header and the fingerprints of requests.

A key belongs to its caller and stands for one request for ever. It is stored in the row that the
request made, so it commits with the money. A second request with the key finds that row.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
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

# Visible ASCII, which every HTTP library sends unchanged.
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_LENGTH}}}")


def idempotency_key(request: Request) -> str | None:
    """The request's key, or None.

    Raises InvalidInput unless it is 1 to 255 visible ASCII characters.
    """
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None:
        check_key(key, pointer=HEADER)
    return key


def check_key(key: str, *, pointer: str) -> None:
    """Raises InvalidInput, at `pointer`, unless the text is a valid key."""
    if not _KEY.fullmatch(key):
        detail = f"A key is 1 to {MAX_KEY_LENGTH} visible ASCII characters."
        raise InvalidInput(detail, errors=[FieldError(pointer, "invalid_key", detail)])


def fingerprint(operation: str, content: Mapping[str, Any]) -> str:
    """A digest (SHA-256, hexadecimal) of the parsed content of a request.

    The order of names, blanks, and `1.0` against `1.00` make no difference. Values added by the
    server are left out. `fingerprints` first removes members that say nothing.
    """
    text = _CANONICAL_JSON.encode([operation, content])
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprints(
    operation: str, content: Mapping[str, Any], defaults: Mapping[str, Any] = NO_DEFAULTS
) -> dict[str, Any]:
    """The fields of a command that identify a request: its fingerprint, and the earlier one.

    A missing member, a null and the default are the same content. Earlier releases stored the
    fingerprint of everything sent, defaults included: the earlier one is set where it differs, and
    is empty otherwise.
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
    """The fields that a command takes from the header; none without the header."""
    key = idempotency_key(request)
    if key is None:
        return {}
    return {"idempotency_key": key, **fingerprints(operation, content, defaults)}


def replay_headers(replayed: bool) -> dict[str, str]:
    """The headers that mark a replayed response."""
    return {REPLAYED_HEADER: "true"} if replayed else {}


def _canonical(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"No canonical form for {type(value).__name__}.")


# Built once: `json.dumps` would build one for each call, which takes longer than encoding.
_CANONICAL_JSON = json.JSONEncoder(default=_canonical, sort_keys=True)
