"""Runs one command for each of many transactions, and collects the outcomes."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from uuid import UUID

from django.db import DatabaseError, connection
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from core.commands import Command, Origin
from core.console.admin import badge, shown_money
from core.console.command_form import in_one_line
from core.database_errors import note
from core.errors import BankError
from transactions.admin.decision_page import movement_in_words
from transactions.ledger.idempotency import row_of
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process
from transactions.models import Transaction
from transactions.states import TransactionStatus

logger = logging.getLogger(__name__)

# After this time the other rows are left untouched. So the client gets a response before the web
# server's own time-out (30 s), even if a row waits for locks.
SECONDS = 15


class BulkResult(StrEnum):
    DONE = "Done"
    WAITS = "Waits for approval"
    REFUSED = "Refused"
    UNKNOWN = "Unknown"
    LEFT = "Not tried"


_COLOURS: dict[str, str] = {
    BulkResult.DONE: "success",
    BulkResult.WAITS: "warning",
    BulkResult.REFUSED: "danger",
    BulkResult.UNKNOWN: "danger",
    BulkResult.LEFT: "warning",
}


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """The outcome of one transaction; `made` links to the reversal created, if any."""

    words: str
    amount: str
    page: str
    outcome: BulkResult
    why: str = ""
    made: str = ""

    @property
    def badge(self) -> SafeString:
        return badge(self.outcome, _COLOURS)


def run_each(
    transactions: Iterable[Transaction],
    make: Callable[[Transaction], Command],
    origin: Origin,
) -> list[RowOutcome]:
    """Runs each command in a database transaction of its own; a refusal stops no other.

    A failure of the database leaves the later rows untouched.
    """
    deadline = monotonic() + SECONDS
    outcomes = []
    stopped = ""
    for transaction in transactions:
        if not stopped and monotonic() >= deadline:
            stopped = "it took too long"
        if stopped:
            why = f"Nothing was done: {stopped}. Select it again."
            outcomes.append(_of(transaction, BulkResult.LEFT, why))
            continue
        try:
            outcomes.append(_run(transaction, make(transaction), origin))
        except DatabaseError as error:
            outcomes.append(_failed(transaction, error))
            stopped = "the database failed before"
    return outcomes


def summary(outcomes: Sequence[RowOutcome]) -> str:
    """The number of rows by outcome: "3 done, 1 refused." """
    counts = dict.fromkeys(BulkResult, 0)
    for row in outcomes:
        counts[row.outcome] += 1
    parts = [f"{count:,} {outcome.lower()}" for outcome, count in counts.items() if count]
    return f"{', '.join(parts).capitalize()}."


def shown(transaction: Transaction) -> str:
    """The amount with its currency."""
    return shown_money(transaction.amount, transaction.currency)


def page_of(transaction_id: UUID) -> str:
    return reverse("admin:transactions_transaction_change", args=(transaction_id,))


def _run(transaction: Transaction, command: Command[JournalRow], origin: Origin) -> RowOutcome:
    try:
        result = process([command], origin)[0]
    except BankError as error:
        return _of(transaction, BulkResult.REFUSED, in_one_line(error))
    made = page_of(result.id) if result.id != transaction.pk else ""
    if refusal := result.refusal():
        return _of(transaction, BulkResult.REFUSED, in_one_line(refusal), made)
    waits = row_of(result).status == TransactionStatus.PENDING
    return _of(transaction, BulkResult.WAITS if waits else BulkResult.DONE, made=made)


def _failed(transaction: Transaction, error: DatabaseError) -> RowOutcome:
    """The outcome of a row at which the database failed. The page needs a connection that works."""
    logger.error("The database failed on one of many transactions", exc_info=error)
    meaning = note(error)
    if meaning.drops_connection:
        connection.close()
    if meaning.code == "busy":
        return _of(transaction, BulkResult.LEFT, meaning.detail)
    trouble = "was lost" if meaning.code == "outcome_unknown" else "failed"
    why = f"The database {trouble}: the outcome is unknown. Look at the transaction."
    return _of(transaction, BulkResult.UNKNOWN, why)


def _of(transaction: Transaction, outcome: BulkResult, why: str = "", made: str = "") -> RowOutcome:
    return RowOutcome(
        words=capfirst(movement_in_words(transaction)),
        amount=shown(transaction),
        page=page_of(transaction.pk),
        outcome=outcome,
        why=why,
        made=made,
    )
