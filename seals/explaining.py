"""An account's balance, explained: from the last seal, entry by entry added up, to what is free."""

import json
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.db import connection

from core.money import format_amount, from_units

# The most open holds of one answer, the newest first. Their sum has all of them.
MOST_HOLDS = 100

_HOLD = "'id', CAST(id AS text), 'units', amount - captured, 'description', description"
_ROWS = {
    "postgresql": f"json_agg(json_build_object({_HOLD}))",
    "sqlite": f"json_group_array(json_object({_HOLD}))",
}
# One statement, so all figures are of one moment: of the same sequence.
_EXPLAIN = """
    WITH sealed AS (
        SELECT s.number, r.last_sequence, r.balance
        FROM seals_sealedrange AS r JOIN seals_seal AS s ON s.id = r.seal_id
        WHERE r.account_id = %(id)s ORDER BY r.last_sequence DESC LIMIT 1
    ),
    since AS (SELECT coalesce((SELECT last_sequence FROM sealed), 0) AS sequence),
    moved AS (
        SELECT -amount AS change FROM transactions_transaction
        WHERE debit_account_id = %(id)s AND debit_sequence > (SELECT sequence FROM since)
        UNION ALL
        SELECT amount FROM transactions_transaction
        WHERE credit_account_id = %(id)s AND credit_sequence > (SELECT sequence FROM since)
    ),
    opened AS (SELECT * FROM transactions_hold WHERE account_id = %(id)s AND status = 'OPEN')
    SELECT a.currency, a.last_sequence, a.balance, a.overdraft_limit, a.held,
        (SELECT number FROM sealed), (SELECT sequence FROM since), (SELECT balance FROM sealed),
        (SELECT count(*) FROM moved),
        (SELECT coalesce(sum(change), 0) FROM moved WHERE change > 0),
        (SELECT coalesce(sum(-change), 0) FROM moved WHERE change < 0),
        (SELECT count(*) FROM opened),
        (SELECT coalesce(sum(amount - captured), 0) FROM opened),
        (SELECT CAST({rows} AS text) FROM (
            SELECT * FROM opened ORDER BY id DESC LIMIT {most}) AS newest)
    FROM accounts_account AS a WHERE a.id = %(id)s AND a.kind = 'CUSTOMER'"""


@dataclass(frozen=True, slots=True)
class Explained:
    """What a balance consists of, in units. `sealed_balance` is None if nothing is sealed yet."""

    account_id: UUID
    currency: str
    sequence: int
    balance: int
    overdraft_limit: int
    held: int
    seal: int | None
    sealed_sequence: int
    sealed_balance: int | None
    entries: int
    credits: int
    debits: int
    open_holds: int
    sum_of_holds: int
    holds: list[dict[str, Any]]

    @property
    def computed(self) -> int:
        return (self.sealed_balance or 0) + self.credits - self.debits

    @property
    def agrees(self) -> bool:
        """Whether what is stored is what the rows add up to, without a gap."""
        return (self.balance, self.held, self.sequence) == (
            self.computed,
            self.sum_of_holds,
            self.sealed_sequence + self.entries,
        )


def explain(account_id: UUID) -> Explained | None:
    """Adds up the entries since the account's last seal. None for an internal account.

    One statement. It reads the entries that no seal covers yet, and the open holds.
    """
    sql = _EXPLAIN.format(rows=_ROWS[connection.vendor], most=MOST_HOLDS)
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(sql, {"id": account_id.hex if is_sqlite else account_id})
        row = cursor.fetchone()
    if row is None:
        return None
    currency, sequence, balance, limit, held, seal, since, sealed, *rest = row
    entries, credits_, debits, open_holds, sum_of_holds, holds = rest
    return Explained(
        account_id=account_id,
        currency=currency,
        sequence=sequence,
        balance=balance,
        overdraft_limit=limit,
        held=held,
        seal=seal,
        sealed_sequence=since,
        sealed_balance=sealed,
        entries=entries,
        credits=int(credits_),
        debits=int(debits),
        open_holds=open_holds,
        sum_of_holds=int(sum_of_holds),
        holds=cast(list[dict[str, Any]], json.loads(holds)) if holds else [],
    )


def represent(explained: Explained, *, lists_holds: bool = True) -> dict[str, Any]:
    """The members of the response; the holds themselves are null unless it `lists_holds`."""

    def shown(units: int) -> str:
        return format_amount(from_units(units), explained.currency)

    return {
        "account_id": str(explained.account_id),
        "currency": explained.currency,
        "sequence": explained.sequence,
        "sealed": None
        if explained.seal is None
        else {
            "seal": explained.seal,
            "sequence": explained.sealed_sequence,
            "balance": shown(explained.sealed_balance or 0),
        },
        "since": {
            "entries": explained.entries,
            "credits": shown(explained.credits),
            "debits": shown(explained.debits),
        },
        "computed_balance": shown(explained.computed),
        "balance": shown(explained.balance),
        "overdraft_limit": shown(explained.overdraft_limit),
        "held": shown(explained.held),
        "open_holds": explained.open_holds,
        "holds": [
            {
                "hold_id": str(UUID(hold["id"])),
                "held": shown(int(hold["units"])),
                "description": hold["description"],
            }
            for hold in explained.holds
        ]
        if lists_holds
        else None,
        "available_balance": shown(explained.balance + explained.overdraft_limit - explained.held),
        "agrees": explained.agrees,
    }
