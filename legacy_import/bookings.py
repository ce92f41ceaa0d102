"""The bookings for the earlier system's history, in order of time. Reads and writes no database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from legacy_import.files import ACCOUNTS_FILE, LegacyAccount, Movement
from legacy_import.transfers import Joined
from transactions.imports.problems import ImportProblem
from transactions.states import TransactionStatus, TransactionType

INITIAL_BALANCE = "Initial balance"
ADJUSTMENT = "Adjustment on import: "
_LONGEST_DESCRIPTION = 500


@dataclass(frozen=True, slots=True)
class Booking:
    """A planned posting. None means the cash account; `amount` is in main units."""

    at: datetime
    source: ImportProblem  # The row in the file; its reason is not used.
    type: TransactionType
    debited: str | None
    credited: str | None
    amount: Decimal
    description: str
    status: TransactionStatus = TransactionStatus.COMPLETED
    unexplained: str = ""  # Why the booking differs from the row, if it does.


def bookings(
    accounts: Iterable[LegacyAccount], movements: Iterable[Movement], joined: Joined
) -> list[Booking]:
    """All bookings, in order of time; those of one moment in the order of the files."""
    found = [
        _deposit_or_withdrawal(movement, movement.description)
        for movement in movements
        if movement.type in (TransactionType.DEPOSIT, TransactionType.WITHDRAW)
    ]
    found += [_transfer(out, into) for out, into in joined.transfers]
    for side, reason in joined.unmatched:
        if side.status == TransactionStatus.COMPLETED:
            text = f"{ADJUSTMENT}{reason} {side.description}"[:_LONGEST_DESCRIPTION].strip()
            found.append(_deposit_or_withdrawal(side, text, unexplained=reason))
        else:  # A failed transfer has moved nothing, even if its other side is missing.
            found.append(_deposit_or_withdrawal(side, side.description))
    # The name of the archived file also sorts before that of the other file.
    found.sort(key=lambda booking: (booking.at, booking.source.file, booking.source.line))
    first = {name: one.at for one in reversed(found) for name in (one.debited, one.credited)}
    opening = [
        _initial(account, first.get(account.legacy_id))
        for account in accounts
        if account.initial_balance
    ]
    # The sort is stable: the initial balance comes before everything else of that moment.
    return sorted(opening + found, key=lambda booking: booking.at)


def _initial(account: LegacyAccount, first: datetime | None) -> Booking:
    is_debit = account.initial_balance < 0
    return Booking(
        at=min(account.created_at, first or account.created_at),
        source=ImportProblem(ACCOUNTS_FILE, account.line, "initial_balance", ""),
        type=TransactionType.WITHDRAW if is_debit else TransactionType.DEPOSIT,
        debited=account.legacy_id if is_debit else None,
        credited=None if is_debit else account.legacy_id,
        amount=abs(account.initial_balance),
        description=INITIAL_BALANCE,
    )


def _deposit_or_withdrawal(
    movement: Movement, description: str, *, unexplained: str = ""
) -> Booking:
    is_debit = movement.type.is_debit
    return Booking(
        at=movement.at,
        source=movement.problem("", "amount"),
        type=TransactionType.WITHDRAW if is_debit else TransactionType.DEPOSIT,
        debited=movement.legacy_id if is_debit else None,
        credited=None if is_debit else movement.legacy_id,
        amount=movement.amount,
        description=description,
        status=movement.status,
        unexplained=unexplained,
    )


def _transfer(out: Movement, into: Movement) -> Booking:
    return Booking(
        at=out.at,
        source=out.problem("", "amount"),
        type=TransactionType.TRANSFER,
        debited=out.legacy_id,
        credited=into.legacy_id,
        amount=out.amount,
        description=out.description,
        status=out.status,
    )
