"""A list of commands on its way: what they execute on while the processor holds their locks."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from accounts.locks import LockedAccount
from accounts.models import Account
from core.commands import Origin
from core.errors import TransactionsPending
from transactions.ledger import writer
from transactions.ledger.day_totals import DayTotals
from transactions.ledger.journal import JournalRow
from transactions.models.queries import has_open_transactions


@dataclass(slots=True, kw_only=True)
class Run:
    """Locked `accounts` and `stored` rows by id, and the new `rows` that are not written yet.

    `now` is the one moment of all that the list makes and posts. `index` is the place of the
    command that executes.
    """

    origin: Origin
    accounts: dict[UUID, LockedAccount]
    stored: dict[UUID, JournalRow]
    now: datetime
    # What makers have moved today, where the bank bounds that.
    totals: DayTotals | None = None
    index: int = 0
    rows: list[JournalRow] = field(default_factory=list)
    # Transactions that this list reverses.
    reversed_ids: set[UUID] = field(default_factory=set)

    def moment(self) -> datetime:
        """The moment of the command that executes: events of one list are in its order."""
        return self.now + timedelta(microseconds=self.index)

    def flush(self) -> None:
        """Writes the new rows and the balances that they led to.

        A command that reads or writes the database itself calls it first, so that it finds what
        came before it in the list. The processor writes what is left.
        """
        writer.write(self.rows, self.accounts)
        self.rows = []

    def refuse_pending(self, account_id: UUID) -> None:
        """Raises TransactionsPending while something is queued for the account.

        What is queued later ends FAILED by `account_closed`.
        """
        if has_open_transactions(account_id, self.moment()):
            raise TransactionsPending("Transactions of this account are still pending.")

    def keep(self, account: Account) -> None:
        """Takes over an account as a command of this list has made or changed it."""
        self.accounts[account.id] = LockedAccount.of(account)
