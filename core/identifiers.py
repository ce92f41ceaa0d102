"""Identifiers: one parser for all of them, and UUIDv7 (RFC 9562, section 5.7) with the row's time.

An id is made from the row's own `created_at`. So the order of ids is the order of creation, and a
range of creation times is a range of ids: lists filtered by date need only the index of the ids.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID, SafeUUID

# RFC 9562, section 4: 36 characters. Input may be in either case, output is in lower case.
UUID_PATTERN = "-".join(f"[0-9a-fA-F]{{{length}}}" for length in (8, 4, 4, 4, 12))
_UUID = re.compile(UUID_PATTERN)

# The counter is the 14 bits after the variant: it limits the ordered ids of one moment.
MAX_INDEX = (1 << 14) - 1

# The shortest beginning of an id that is looked up: its first group.
_SHORTEST_BEGINNING = 8
_BEGINNING = re.compile("[0-9a-f]+(?:-[0-9a-f]*)*")

_RANDOM_BITS = 48
_RANDOM_BYTES = _RANDOM_BITS // 8
# How many random numbers are fetched at a time: each fetch is a system call.
_RANDOM_NUMBERS_AT_ONCE = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_MILLISECONDS = (1 << 48) - 1


def parse_uuid(data: object) -> UUID:
    """Parses a UUID of 36 characters, in either case. All ids are parsed here.

    No braces, no URN and no form without hyphens. Raises ValueError for anything else.
    """
    if not isinstance(data, str) or not _UUID.fullmatch(data):
        raise ValueError("Must be a valid UUID.")
    return UUID(data)


def ids_beginning(text: str) -> tuple[UUID, UUID] | None:
    """The lowest and the highest id that begin like this; None if it is no beginning of an id.

    In either case, with hyphens in their places or without any. It needs at least 8 digits.
    """
    lower = text.strip().lower()
    digits = lower.replace("-", "")
    if not _SHORTEST_BEGINNING <= len(digits) <= 32 or not _BEGINNING.fullmatch(lower):
        return None
    lowest = UUID(digits.ljust(32, "0"))
    if "-" in lower and not str(lowest).startswith(lower):
        return None
    return lowest, UUID(digits.ljust(32, "f"))


def uuid7(at: datetime, index: int = 0) -> UUID:
    """A UUIDv7 of the moment `at` (aware; to the microsecond), the `index`-th of that moment.

    Layout: 48 bits of Unix milliseconds; 12 bits of the millisecond's fraction (RFC 9562, section
    6.2, method 3); 14 bits of `index` (method 1), so that a list keeps its order; 48 random bits.
    """
    assert 0 <= index <= MAX_INDEX
    return _uuid(_prefix(at) | (index << _RANDOM_BITS) | _random_number())


def _uuid(value: int) -> UUID:
    """As `UUID(int=value)`, in half the time: the constructor checks which argument it has."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", value)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def lowest_uuid7(at: datetime) -> UUID:
    """The smallest UUIDv7 of the moment `at`: `created_at >= at` is `id >= lowest_uuid7(at)`."""
    return UUID(int=_prefix(at))


_LOWEST, _HIGHEST = UUID(int=0), UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRange:
    """The ids from `first` up to, but excluding, `end`."""

    first: UUID = _LOWEST
    end: UUID = _HIGHEST

    def both(self, other: "IdRange") -> "IdRange":
        """The ids that are in both ranges."""
        return IdRange(first=max(self.first, other.first), end=min(self.end, other.end))

    def beyond(self, after: UUID | None, *, backwards: bool) -> "IdRange":
        """The part below the id `after`, with `backwards` above it; without `after`, all."""
        if after is None:
            return self
        if backwards:
            return self.both(IdRange(first=UUID(int=after.int + 1)))
        return self.both(IdRange(end=after))


def created_between(after: datetime | None, before: datetime | None) -> IdRange:
    """The ids made at or after one moment and before the other; None is no limit."""
    ids = IdRange()
    if after is not None:
        ids = IdRange(first=lowest_uuid7(after))
    if before is not None:
        ids = ids.both(IdRange(end=lowest_uuid7(before)))
    return ids


def moment_of(identifier: UUID) -> datetime:
    """The moment given to `uuid7`. It becomes `created_at` if the id is made before the row."""
    assert identifier.version == 7
    milliseconds = identifier.int >> 80
    fraction = (identifier.int >> 64) & 0xFFF
    microseconds = -(-fraction * 1000 // 4096)  # Rounded up, as `_prefix` rounds down.
    return _EPOCH + timedelta(milliseconds=milliseconds, microseconds=microseconds)


_random_numbers: list[int] = []
# A forked child would otherwise hand out the same numbers as its parent.
os.register_at_fork(after_in_child=_random_numbers.clear)


def _random_number() -> int:
    while True:
        try:
            return _random_numbers.pop()  # Atomic: no two threads get the same one.
        except IndexError:
            fetched = os.urandom(_RANDOM_BYTES * _RANDOM_NUMBERS_AT_ONCE)
            _random_numbers.extend(
                int.from_bytes(fetched[start : start + _RANDOM_BYTES], "big")
                for start in range(0, len(fetched), _RANDOM_BYTES)
            )


@lru_cache(maxsize=8)  # The rows of a list share their moment.
def _prefix(at: datetime) -> int:
    elapsed = at - _EPOCH
    microseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    milliseconds, rest = divmod(max(microseconds, 0), 1000)
    fraction = rest * 4096 // 1000  # Steps of 0.24 microseconds: no two microseconds share one.
    version, variant = 0x7, 0b10
    return (
        (min(milliseconds, _MAX_MILLISECONDS) << 80)
        | (version << 76)
        | (fraction << 64)
        | (variant << 62)
    )
