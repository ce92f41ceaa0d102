"""The canonical texts of entries, ranges and seals, byte by byte, and what is hashed of them.

A text is UTF-8: its fields in a fixed order, a line feed between two, none at the end. No field
can contain a line feed. Leaves of trees have a salt before their text, made from the secret of
their range: a reader who sees the hash of a leaf in a proof cannot guess what is in the leaf. The
description of a transaction and the account of its other side are digests with salts of their own,
so that a proof holds without them. docs/seals.md describes all this for people who check it without
this code.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from core.currencies import CURRENCIES
from core.money import fits, format_amount, from_units
from seals.merkle import leaf_hash

_ENTRY, _RANGE, _SEAL = "bank-entry-1", "bank-range-1", "bank-seal-1"

# Fields of an entry before its two digests, in their order.
ENTRY_FIELDS = (
    "account_id", "sequence", "transaction_id", "type", "side", "amount", "currency",
    "balance_after", "reverses_id", "effective_at", "created_at", "posted_at",
)  # fmt: skip
# What a proof need not show, in the order of the entry's text, each by the purpose of its salt.
DIGEST_FIELDS = {"text": "description_digest", "other": "other_account_digest"}
RANGE_FIELDS = (
    "account_id", "first_sequence", "last_sequence", "currency", "balance", "entries_root",
)  # fmt: skip
SEAL_FIELDS = (
    "number", "sealed_at", "root", "ranges", "entries", "total_entries", "previous", "public_key",
    "next_public_key",
)  # fmt: skip


def salt(secret: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose: `range`, or `entry`, `text` or `other` with the sequence."""
    return hmac.digest(secret, purpose.encode(), "sha256")


def digests(secret: bytes, sequence: int, description: str, other: str) -> dict[str, str]:
    """The DIGEST_FIELDS of an entry. `other` is the id of the account of the other side."""
    hidden = {"text": description, "other": other}
    return {
        field: hashlib.sha256(
            salt(secret, f"{purpose} {sequence}") + hidden[purpose].encode()
        ).hexdigest()
        for purpose, field in DIGEST_FIELDS.items()
    }


def entry_hash(secret: bytes, sequence: int, text: str, description: str, other: str) -> bytes:
    """The hash of an entry's leaf. `text` has its ENTRY_FIELDS, with line feeds between."""
    hidden = digests(secret, sequence, description, other)
    leaf = "\n".join([_ENTRY, str(text), *hidden.values()]).encode()
    return leaf_hash(salt(secret, f"entry {sequence}") + leaf)


def range_fields(
    account_id: UUID, sequences: tuple[int, int], currency: str, units: int, entries_root: bytes
) -> dict[str, str]:
    """The RANGE_FIELDS. `sequences` are the first and the last one, `units` the balance."""
    first, last = sequences
    values = (
        str(account_id),
        str(first),
        str(last),
        currency,
        _amount(units, currency),
        entries_root.hex(),
    )
    return dict(zip(RANGE_FIELDS, values, strict=True))


def _amount(units: int, currency: str) -> str:
    """With the currency's digits. Damaged figures have all four, and must not stop the verifier."""
    amount = from_units(units)
    if currency in CURRENCIES and fits(amount, currency):
        return format_amount(amount, currency)
    return format(amount, "f")


def raw(digits: str) -> bytes:
    """The bytes of stored hexadecimal. Damaged digits give other bytes, and no error."""
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return digits.encode()


def range_hash(secret: bytes, fields: Mapping[str, str]) -> bytes:
    """The hash of a range's leaf."""
    text = "\n".join([_RANGE, *fields.values()])
    return leaf_hash(salt(secret, "range") + text.encode())


def seal_text(fields: Mapping[str, str | int]) -> bytes:
    """What a seal's digest and its signature cover, from its SEAL_FIELDS."""
    return "\n".join([_SEAL, *(str(fields[name]) for name in SEAL_FIELDS)]).encode()


def moment_text(at: datetime) -> str:
    """A time in UTC, to the microsecond."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
