"""Cursors: places in the feed as clients keep them, encrypted, because ids may be other people's.

A cursor is good for ever, for every reader, as long as the bank knows the secret key it was made
under (DJANGO_SECRET_KEY_FALLBACKS included). It has a random part: two cursors do not tell whether
their places are the same, so a customer does not see when the bank works for others.
"""

import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from uuid import UUID

from core.encryption import Unreadable, decrypt, encrypt
from core.errors import FieldError, InvalidInput
from events.keys import FeedPlace
from events.positions import TABLES

_PURPOSE = b"cursors of the feed"
_FORM = b"1"
_RANDOM_BYTES = 8
_PLACE = struct.Struct(">q16s?")


def encode(places: Sequence[FeedPlace]) -> str:
    """The cursor: another text at each call."""
    packed = [_PLACE.pack(place.position, place.id.bytes, place.is_row) for place in places]
    clear = secrets.token_bytes(_RANDOM_BYTES) + b"".join(packed)
    return urlsafe_b64encode(encrypt(clear, purpose=_PURPOSE, owner=_FORM)).decode().rstrip("=")


def decode(text: str) -> tuple[FeedPlace, ...]:
    """The places. Raises InvalidInput, naming `after`, unless `encode` made the text."""
    try:
        encrypted = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        clear = decrypt(encrypted, purpose=_PURPOSE, owner=_FORM)
        places = tuple(
            FeedPlace(position, UUID(bytes=pk), is_row)
            for position, pk, is_row in _PLACE.iter_unpack(clear[_RANDOM_BYTES:])
        )
        if len(places) > len(TABLES):
            raise ValueError("of a newer release")
    except (ValueError, Unreadable, struct.error) as error:
        detail = "Take the cursor of an earlier response of this route."
        raise InvalidInput(errors=[FieldError("after", "invalid_cursor", detail)]) from error
    return places
