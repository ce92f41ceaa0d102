"""Run: the locked accounts and rows of a list of commands during its execution."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from accounts.locks import LockedAccount
from accounts.models import Account
from core.commands import Origin
from core.errors import TransactionsPending
from transactions.ledger import writer
from transactions.ledger.day_totals import DayTotals
from transactions.ledger.journal import JournalRow
from transactions.ledger.spending import read_spending
from transactions.models.queries import has_open_transactions

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Run:
    """Locked `accounts` and `stored` rows by id, and the new `rows` that are not written yet.

    `now` is the moment of every row and posting of the list. `index` is the position of the
    command being executed, and `origin` its origin: in a group each command has its own.
    """

    origin: Origin
    accounts: dict[UUID, LockedAccount]
    stored: dict[UUID, JournalRow]
    now: datetime
    # The makers' totals for their days, if the bank limits them.
    totals: DayTotals | None = None
    index: int = 0
    rows: list[JournalRow] = field(default_factory=list)
    # Ids of the transactions that this list reverses.
    reversed_ids: set[UUID] = field(default_factory=set)
    # The batch that the list is, if its commands write their rows themselves.
    batch_id: UUID | None = None

    def flush(self) -> None:
        """Writes the new rows and the changed balances.

        A command that itself uses the database calls this first, so that it sees the results of
        earlier commands of the list. The processor writes the rest.
        """
        writer.write(self.rows, self.accounts)
        self.rows = []

    def refuse_pending(self, account_id: UUID) -> None:
        """Raises TransactionsPending if transactions of the account are queued.

        A transaction queued later ends FAILED by `account_closed`.
        """
        self.flush()
        if has_open_transactions(account_id, self._moment()):
            raise TransactionsPending("Transactions of this account are still pending.")

    def change(self, apply: Callable[[Origin, datetime], Account]) -> Account:
        """Calls `apply`, which creates or changes an account in the database, and returns that.

        `apply` sees the results of earlier commands of the list, and later ones see the account.
        """
        account = self.call(apply)
        self.accounts[account.id] = locked = LockedAccount.of(account)
        read_spending([locked], self.now)
        return account

    def call(self, apply: Callable[[Origin, datetime], T]) -> T:
        """As `change`, for something other than one account. Later commands see it by reading."""
        self.flush()
        return apply(self.origin, self._moment())

    def _moment(self) -> datetime:
        """The moment of the command being executed; events follow the order of the list."""
        return self.now + timedelta(microseconds=self.index)
