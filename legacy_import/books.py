"""Posts the earlier system's history again, in memory. Writes nothing to the database.

Every booking goes through the code that posts everything else, so that sequences, balances and
checks are the bank's own. A difference that the files do not explain is a problem. With `adjust` it
is a remark instead, and becomes a deposit or withdrawal that names the reason.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from accounts.locks import LockedAccount
from accounts.models import CASH, internal_account_id
from core.currencies import minor_units
from core.errors import InsufficientFunds, Refusal
from core.identifiers import MAX_INDEX, uuid7
from core.money import format_amount, from_units, is_written_in, to_units
from legacy_import.bookings import ADJUSTMENT, Booking
from legacy_import.files import ACCOUNTS_FILE, LegacyAccount
from transactions.imports.problems import ImportProblem, Problems
from transactions.ledger.execution import check, complete
from transactions.ledger.journal import JournalRow
from transactions.ledger.posting import Posting
from transactions.states import TransactionStatus, TransactionType

# The final failure of transactions that the earlier system had not completed.
_NOT_DONE = {
    TransactionStatus.FAILED: ("rejected", "It failed in the earlier system."),
    TransactionStatus.PENDING: ("cancelled", "It was still waiting when the bank moved here."),
}


@dataclass(slots=True)
class Books:
    """Posts bookings, given in order of time, to accounts in memory.

    `accounts` start empty, by the earlier system's id. `problems` prevent the load; `remarks` are
    adjustments.
    """

    accounts: dict[str, LockedAccount]
    currency: str
    adjust: bool
    problems: Problems
    remarks: Problems = field(default_factory=Problems)
    # Accounts with unreadable rows, for which the final balance proves nothing.
    incomplete: Collection[str] = ()
    adjustments: int = 0
    _indexes: Counter[datetime] = field(default_factory=Counter)
    # Units that adjustments have added to accounts lacking funds, by the earlier id.
    _covered: Counter[str] = field(default_factory=Counter)

    def rows(
        self, bookings: Iterable[Booking], accounts: Iterable[LegacyAccount]
    ) -> Iterator[JournalRow]:
        """Yields all rows in posting order; in the end the accounts have their final state."""
        for booking in bookings:
            yield from self.post(booking)
        for account in accounts:
            yield from self.close(account)

    def post(self, booking: Booking) -> Iterator[JournalRow]:
        """The rows of a booking. An adjustment may add rows, or replace the booking's own row."""
        amount = self._whole_units(booking)
        if amount is None:
            return
        row = self._row(booking, amount)
        if booking.status != TransactionStatus.COMPLETED:
            row.status = TransactionStatus.FAILED
            row.failure_code, row.failure_detail = _NOT_DONE[booking.status]
            yield row
            return
        if booking.unexplained and not self.incomplete:
            self._unexplained(booking.source, booking.unexplained)
            self.adjustments += 1
        yield from self._cover(booking, row)
        self._complete(row, booking)
        yield row

    def close(self, account: LegacyAccount) -> Iterator[JournalRow]:
        """The adjustment to the balance in the file, once everything is posted."""
        if account.legacy_id in self.incomplete:
            return
        locked = self.accounts[account.legacy_id]
        source = ImportProblem(ACCOUNTS_FILE, account.line, "account_balance", "")
        target = account.balance
        if target < 0:
            self._unexplained(source, "The balance is below zero.")
            target = Decimal(0)
        if not is_written_in(target, self.currency):
            self._unexplained(source, self._too_many_digits())
            target = self._cut(target)
        difference = target - from_units(locked.balance)
        if not difference:
            return
        explained = locked.balance - self._covered[account.legacy_id]
        if account.balance >= 0 and to_units(target) != explained:
            booked = format_amount(from_units(explained), self.currency)
            text = f"The balance is {account.balance:f}, but the history adds up to {booked}."
            self._unexplained(source, text)
        if self.adjust:
            at = max(account.updated_at, locked.last_posted_at or account.updated_at)
            yield self._adjustment(account.legacy_id, difference, "the balance differed", at)

    def _whole_units(self, booking: Booking) -> Decimal | None:
        amount = booking.amount
        if not is_written_in(amount, self.currency):
            self._unexplained(booking.source, self._too_many_digits())
            amount = self._cut(amount)
        elif not amount:
            self._unexplained(booking.source, "It moves nothing.")
        return amount or None

    def _cover(self, booking: Booking, row: JournalRow) -> Iterator[JournalRow]:
        """With `adjust`: a deposit of the funds that the account lacks for the row."""
        try:
            posting = Posting(row.debit_account_id, row.credit_account_id, row.amount, row.currency)
            check(posting, {one.id: one for one in self._sides(booking) if one})
        except InsufficientFunds:
            assert booking.debited is not None
            locked = self.accounts[booking.debited]
            after = format_amount(from_units(locked.balance - row.amount), self.currency)
            # Without an adjustment, only the first row below zero is worth reporting.
            if booking.debited in self.incomplete:
                return
            if self.adjust or booking.debited not in self._covered:
                self._unexplained(booking.source, f"It takes the balance to {after}.")
            lacking = row.amount - locked.available
            self._covered[booking.debited] += lacking if self.adjust else 0
            if self.adjust:
                reason = "the balance would have been below zero"
                yield self._adjustment(booking.debited, from_units(lacking), reason, booking.at)
        except Refusal as refusal:
            self.problems.add(replace(booking.source, reason=refusal.detail))

    def _adjustment(self, legacy_id: str, change: Decimal, reason: str, at: datetime) -> JournalRow:
        is_debit = change < 0
        booking = Booking(
            at=at,
            source=ImportProblem("", 0, "", ""),
            type=TransactionType.WITHDRAW if is_debit else TransactionType.DEPOSIT,
            debited=legacy_id if is_debit else None,
            credited=None if is_debit else legacy_id,
            amount=abs(change),
            description=f"{ADJUSTMENT}{reason}.",
        )
        row = self._row(booking, booking.amount)
        self._complete(row, booking)
        self.adjustments += 1
        return row

    def _complete(self, row: JournalRow, booking: Booking) -> None:
        debited, credited = self._sides(booking)
        complete(row, debited, credited, row.created_at)

    def _sides(self, booking: Booking) -> tuple[LockedAccount | None, LockedAccount | None]:
        debited = self.accounts[booking.debited] if booking.debited is not None else None
        credited = self.accounts[booking.credited] if booking.credited is not None else None
        return debited, credited

    def _row(self, booking: Booking, amount: Decimal) -> JournalRow:
        debited, credited = self._sides(booking)
        cash = internal_account_id(CASH, self.currency)
        identifier, created_at = self._identifier(booking.at)
        return JournalRow(
            id=identifier,
            type=booking.type,
            status=TransactionStatus.PENDING,
            debit_account_id=debited.id if debited else cash,
            credit_account_id=credited.id if credited else cash,
            amount=to_units(amount),
            currency=self.currency,
            description=booking.description,
            effective_at=booking.at,
            created_at=created_at,
            updated_at=created_at,
        )

    def _identifier(self, at: datetime) -> tuple[UUID, datetime]:
        """An id with its time, which is later than `at` if that moment has no ids left."""
        while self._indexes[at] > MAX_INDEX:
            at += timedelta(microseconds=1)
        index = self._indexes[at]
        self._indexes[at] += 1
        return uuid7(at, index), at

    def _unexplained(self, source: ImportProblem, reason: str) -> None:
        (self.remarks if self.adjust else self.problems).add(replace(source, reason=reason))

    def _too_many_digits(self) -> str:
        return f"{self.currency} has at most {minor_units(self.currency)} decimals."

    def _cut(self, amount: Decimal) -> Decimal:
        """Rounds towards zero. The balance check accounts for the remainder."""
        unit = Decimal(1).scaleb(-minor_units(self.currency))
        return amount.quantize(unit, rounding=ROUND_DOWN)
