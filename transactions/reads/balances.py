"""Balances of a customer account at past moments, for a few index look-ups each.

Posting time never runs backwards within an account, so a binary search finds the last entry up to a
moment: some twenty look-ups in the index for a million entries. One statement looks up all moments.
It reads the journal, because SQLite would not push the sequence into the view of entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from django.db import connection

from core.money import from_units

_BALANCES_AT = """
    WITH RECURSIVE moments (number, moment) AS (VALUES {moments}),
    search (number, moment, sequence, step) AS (
        SELECT number, moment, CAST(0 AS bigint), CAST(%(step)s AS bigint) FROM moments
        UNION ALL
        SELECT number, moment, CASE WHEN COALESCE(
                   (SELECT completed_at <= moment FROM transactions_transaction
                    WHERE debit_account_id = %(account_id)s
                    AND debit_sequence = search.sequence + search.step),
                   (SELECT completed_at <= moment FROM transactions_transaction
                    WHERE credit_account_id = %(account_id)s
                    AND credit_sequence = search.sequence + search.step)
               ) THEN search.sequence + search.step ELSE search.sequence END,
               search.step / 2
        FROM search WHERE search.step > 0
    )
    SELECT sequence, COALESCE(
        (SELECT debit_balance_after FROM transactions_transaction
         WHERE debit_account_id = %(account_id)s AND debit_sequence = search.sequence),
        (SELECT credit_balance_after FROM transactions_transaction
         WHERE credit_account_id = %(account_id)s AND credit_sequence = search.sequence),
        0)
    FROM search WHERE step = 0 ORDER BY number"""


class HasSequences(Protocol):
    """The part of an account that `balances_at` needs. The account may be locked or merely read."""

    @property
    def id(self) -> UUID: ...

    @property
    def last_sequence(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class PastBalance:
    """The state after entry number `sequence`, in main units; both are 0 before the first entry."""

    sequence: int
    balance: Decimal


def balances_at(account: HasSequences, moments: Sequence[datetime]) -> list[PastBalance]:
    """Balances after everything posted up to and including each moment, in the given order.

    For customer accounts only: internal ones have no sequence.
    """
    assert account.last_sequence is not None
    if account.last_sequence == 0 or not moments:
        return [PastBalance(0, Decimal(0)) for _ in moments]
    sqlite = connection.vendor == "sqlite"
    params: dict[str, Any] = {
        "account_id": account.id.hex if sqlite else account.id,
        "step": 1 << (account.last_sequence.bit_length() - 1),
    }
    for number, moment in enumerate(moments):
        params[f"moment_{number}"] = connection.ops.adapt_datetimefield_value(moment)
    values = ", ".join(f"({number}, %(moment_{number})s)" for number in range(len(moments)))
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES_AT.format(moments=values), params)
        return [PastBalance(sequence, from_units(units)) for sequence, units in cursor.fetchall()]
