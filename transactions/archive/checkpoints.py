"""Archived sums of the internal accounts, which store no balance of their own.

The last segment has the sum of all their archived postings. Their balance is that sum plus the
postings not yet archived, so its cost does not grow with the archive.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from core.money import format_amount, from_units, to_units
from transactions.archive.lines import ArchiveLine

# One statement, so that nothing is archived between its two halves. The second half reads the
# partial index of completed transactions that are not archived.
_BALANCE = """
    SELECT (SELECT checkpoint FROM transactions_archivesegment ORDER BY number DESC LIMIT 1),
           (SELECT sum(CASE WHEN credit_account_id = %(account_id)s THEN amount ELSE -amount END)
            FROM transactions_transaction
            WHERE status = 'COMPLETED' AND archived_at IS NULL
            AND completed_at <= %(until)s
            AND (debit_account_id = %(account_id)s OR credit_account_id = %(account_id)s))"""


def internal_balance(account_id: UUID, until: datetime) -> Decimal:
    """The sum of all postings of an internal account until this moment, inclusive, in main units.

    Archived postings always count in full, whatever the moment, so pass a recent one.
    """
    parameter = account_id if connection.vendor == "postgresql" else account_id.hex
    moment = connection.ops.adapt_datetimefield_value(until)
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE, {"account_id": parameter, "until": moment})
        checkpoint, active = cursor.fetchone()
    return from_units(int(active or 0)) + archived_until(checkpoint).get(account_id, Decimal(0))


def archived_until(checkpoint: str | None) -> dict[UUID, Decimal]:
    """The sums by account of a stored checkpoint."""
    totals = json.loads(checkpoint) if checkpoint else {}
    return {UUID(account_id): Decimal(total) for account_id, total in totals.items()}


def next_checkpoint(before: Mapping[str, str], lines: Iterable[ArchiveLine]) -> dict[str, str]:
    """The checkpoint after these lines, in main units: credits +, debits -."""
    units = Counter({account_id: to_units(Decimal(total)) for account_id, total in before.items()})
    for line in lines:
        if line.debited:
            units[line.debited.decode()] -= int(line.units)
        if line.credited:
            units[line.credited.decode()] += int(line.units)
    return {account_id: format(from_units(total), "f") for account_id, total in units.items()}


def sums_of_lines(lines: Iterable[ArchiveLine]) -> Counter[str]:
    """The sum of amounts by currency, in units."""
    units: Counter[str] = Counter()
    for line in lines:
        units[line.currency.decode()] += int(line.units)
    return units


def added(sums: Mapping[str, str], more: Mapping[str, int]) -> dict[str, str]:
    """A run's sums plus units by currency, in main units with the currency's digits."""
    units = Counter({currency: to_units(Decimal(total)) for currency, total in sums.items()})
    units.update(more)
    return {
        currency: format_amount(from_units(total), currency)
        for currency, total in sorted(units.items())
    }
