"""The digest of a statement: SHA-256 over its content in one fixed form.

The form is text, so that anyone can compute the digest again from a statement as JSON. Each line is
a JSON array without blanks, in UTF-8, with a line feed at its end. Amounts are whole numbers of
1/10,000 of the main unit, times are RFC 3339 in UTC with six decimals.

The first digest is that of the lines of the entries. The statement's own digest is that of one
line: a secret, the account and the period, the figures, the digest of the entries, and the digest
of the statement before it. So a statement vouches for all before it. The secret is random: whoever
knows the figures from elsewhere, as the other side of a payment may, cannot guess the digest. Names
of people are in none of them: they may change, and may have to be forgotten.
"""

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from core.api.fields import rfc_3339
from statements.entries import StatedEntry

_VERSION = "bank-statement-1"
_line = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class EntrySums:
    """Entries added up one by one. Amounts in units."""

    __slots__ = ("balance", "count", "credits", "debits")

    def __init__(self, opening_balance: int) -> None:
        self.balance = opening_balance
        self.count = self.debits = self.credits = 0

    def add(self, entry: StatedEntry) -> None:
        self.count += 1
        self.balance += entry.change
        if entry.change < 0:
            self.debits -= entry.change
        else:
            self.credits += entry.change


class EntryTotals(EntrySums):
    """The entries of a statement with a digest, added up in their order."""

    __slots__ = ("_hash",)

    def __init__(self, opening_balance: int) -> None:
        super().__init__(opening_balance)
        self._hash = hashlib.sha256()

    def add(self, entry: StatedEntry) -> None:
        super().add(entry)
        self._hash.update(f"{_line(_content_of(entry))}\n".encode())

    def digest(self) -> str:
        return self._hash.hexdigest()


def _content_of(entry: StatedEntry) -> list[Any]:
    return [
        entry.sequence,
        str(entry.transaction_id),
        entry.kind,
        rfc_3339(entry.posted_at),
        rfc_3339(entry.value_at),
        entry.change,
        entry.balance_after,
        entry.other_number,
        entry.description,
        None if entry.reverses_id is None else str(entry.reverses_id),
    ]


def new_secret() -> str:
    """32 random bytes in hexadecimal."""
    return secrets.token_hex(32)


def statement_digest(
    *,
    secret: str,
    account_id: UUID,
    account_number: str,
    currency: str,
    number: int,
    starts_at: datetime,
    ends_at: datetime,
    first_sequence: int,
    opening_balance: int,
    entries: EntryTotals,
    previous_digest: str,
) -> str:
    """The digest, in hexadecimal. `previous_digest` is empty for a first statement."""
    content = [
        _VERSION,
        secret,
        str(account_id),
        account_number,
        currency,
        number,
        rfc_3339(starts_at),
        rfc_3339(ends_at),
        first_sequence,
        opening_balance,
        entries.balance,
        entries.debits,
        entries.credits,
        entries.count,
        entries.digest(),
        previous_digest,
    ]
    return hashlib.sha256(f"{_line(content)}\n".encode()).hexdigest()
