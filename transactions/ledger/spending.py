"""What accounts with limits have paid on the bank's day: docs/limits.md.

Payments are withdrawals and transfers out, captures of holds included, on the day of their posting.
Reversals, and payments that were reversed, do not count: those are corrections.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from accounts.locks import LockedAccount
from core.days import midnight
from core.errors import LimitExceeded
from core.four_eyes import business_day
from core.money import format_amount, from_units
from core.sql.bulk import array_of_ids
from core.sql.cursors import prepared_rows

# Walks back from the newest debit of each account, one step in the index of its sequences at a
# time, and stops before today. So the cost follows today's debits, and not the account's history.
# A planner would turn joins into scans of the whole account, so PostgreSQL gets each step as a
# subquery with a limit of one row.
_STEP = """
    SELECT t.* FROM {source} CROSS JOIN LATERAL (
        SELECT debit_account_id, debit_sequence, id, amount, type, completed_at
        FROM transactions_transaction
        WHERE debit_account_id = {account} AND debit_sequence {bound}
        ORDER BY debit_sequence DESC LIMIT 1
    ) AS t WHERE t.completed_at >= %s"""
_STEP_SQLITE = """
    SELECT t.debit_account_id, t.debit_sequence, t.id, t.amount, t.type, t.completed_at
    FROM {source} JOIN transactions_transaction AS t
        ON t.debit_account_id = {account} AND t.debit_sequence = (
            SELECT max(n.debit_sequence) FROM transactions_transaction AS n
            WHERE n.debit_account_id = {account} AND n.debit_sequence {bound})
    WHERE t.completed_at >= %s"""
_PAID = """
WITH RECURSIVE paid(account_id, sequence, id, amount, type, at) AS ({first} UNION ALL {next})
SELECT account_id, CAST(sum(amount) AS bigint), count(*) FROM paid
WHERE type IN ('WITHDRAW', 'TRANSFER') AND (
    SELECT r.id FROM transactions_transaction AS r
    WHERE r.reverses_id = paid.id AND r.status = 'COMPLETED' LIMIT 1
) IS NULL
GROUP BY account_id"""


def _paid(step: str, ids: str) -> str:
    return _PAID.format(
        first=step.format(source=ids, account="wanted.id", bound="> 0"),
        next=step.format(source="paid", account="paid.account_id", bound="< paid.sequence"),
    )


PAID = _paid(_STEP, "unnest(%s::uuid[]) AS wanted(id)")
PAID_SQLITE = _paid(_STEP_SQLITE, "(SELECT value AS id FROM json_each(%s)) AS wanted")


def read_spending(accounts: Iterable[LockedAccount], now: datetime) -> None:
    """Sets what these locked accounts have paid on the bank's day of `now`.

    One statement for all that have daily limits; none if no account has. Call it before anything of
    the list is written, or after all of it.
    """
    limited = {one.id: one for one in accounts if one.has_daily_limits}
    if not limited:
        return
    day = business_day(now)
    zone = timezone.get_default_timezone()
    begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    for one in limited.values():
        one.spent, one.payments, one.free_at = 0, 0, end
    if connection.vendor == "postgresql":
        found = prepared_rows(PAID, [array_of_ids(limited), begin, begin])
    else:
        moment = connection.ops.adapt_datetimefield_value(begin)
        ids = json.dumps([one.hex for one in limited])
        rows = prepared_rows(PAID_SQLITE, [ids, moment, moment])
        by_hex = {one.hex: one for one in limited}
        found = [(by_hex[pk], units, count) for pk, units, count in rows]
    for pk, units, count in found:
        limited[pk].spent, limited[pk].payments = units, count


def check_limits(account: LockedAccount, units: int) -> None:
    """Raises LimitExceeded if a payment of so many units is above a limit of the account. Pure."""

    def shown(amount: int) -> str:
        return f"{format_amount(from_units(amount), account.currency)} {account.currency}"

    if account.max_amount is not None and units > account.max_amount:
        raise LimitExceeded(
            f"At most {shown(account.max_amount)} a payment, {shown(units)} needed."
        )
    if account.daily_count is not None and account.payments >= account.daily_count:
        raise LimitExceeded(
            f"At most {account.daily_count} payments a day: none is left until {_free_at(account)}."
        )
    if account.daily_amount is not None and account.spent + units > account.daily_amount:
        left = shown(max(0, account.daily_amount - account.spent))
        raise LimitExceeded(
            f"At most {shown(account.daily_amount)} a day: {left} left until {_free_at(account)},"
            f" {shown(units)} needed."
        )


def _free_at(account: LockedAccount) -> str:
    """The moment at which the bank's next day begins, in UTC."""
    if account.free_at is None:  # An account that was opened or read outside a list.
        return "tomorrow"
    return account.free_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
