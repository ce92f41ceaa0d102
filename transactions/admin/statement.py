"""An account's statement as its page shows it: a page of ledger lines, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, prefetch_related_objects
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import Account
from accounts.states import AccountKind
from core.admin import shown_amount
from transactions.models import EntrySide, Transaction
from transactions.selectors import page_of_entries, page_of_transactions, sides_of
from transactions.states import TransactionStatus

LINES = 20
# The parameter of the page that names the line, the page of which comes after it.
BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Line:
    """What one transaction did to the account. Amounts as they are shown; "" on the other side."""

    at: datetime
    text: str
    description: str
    debit: str
    credit: str
    balance: str
    url: str


@dataclass(frozen=True, slots=True)
class Statement:
    """`older` is the address of the lines before these; empty on the last page."""

    lines: Sequence[Line]
    older: str
    is_newest: bool


def statement(account: Account, before: str | None) -> Statement:
    """The lines that come before one: before a sequence, and of an internal account, before an id.

    The newest, for a `before` that cannot be one. It costs the same wherever in the account it is:
    five statements, each by an index.
    """
    if account.last_sequence is None:
        return _internal_statement(account, _as_id(before))
    after = _as_sequence(before)
    if after is not None:
        after = min(after, account.last_sequence + 1)
    entries = page_of_entries(account, after=after, backwards=False, limit=LINES)
    prefetch_related_objects(entries, "transaction__debit_account", "transaction__credit_account")
    lines = [
        _line(account, entry.transaction, shown_amount(entry.balance_after, entry.currency))
        for entry in entries
    ]
    last = entries[-1].sequence if entries else None
    older = _before(last) if last is not None and last > 1 else ""
    return Statement(lines, older, is_newest=after is None)


def _internal_statement(account: Account, after: UUID | None) -> Statement:
    """By the journal: an internal account has no sequence, and no balance after each line."""
    completed = [
        branch.narrowed(Q(status=TransactionStatus.COMPLETED))
        for branch in sides_of([account.pk], own=None)
    ]
    found = page_of_transactions(completed, after=after, backwards=False, limit=LINES + 1)
    shown = found[:LINES]
    prefetch_related_objects(shown, "debit_account", "credit_account")
    older = _before(shown[-1].pk) if len(found) > LINES else ""
    lines = [_line(account, transaction, "") for transaction in shown]
    return Statement(lines, older, is_newest=after is None)


def _line(account: Account, transaction: Transaction, balance: str) -> Line:
    side = side_of(account, transaction)
    amount = shown_amount(transaction.amount, transaction.currency)
    assert transaction.completed_at is not None, "What is in the ledger is completed."
    return Line(
        at=transaction.completed_at,
        text=text_of(account, transaction),
        description=transaction.description,
        debit=amount if side == EntrySide.DEBIT else "",
        credit=amount if side == EntrySide.CREDIT else "",
        balance=balance,
        url=reverse("admin:transactions_transaction_change", args=(transaction.pk,)),
    )


def side_of(account: Account, transaction: Transaction) -> EntrySide:
    return EntrySide.DEBIT if transaction.debit_account_id == account.pk else EntrySide.CREDIT


def text_of(account: Account, transaction: Transaction) -> str:
    """What it was, and with whom: "Transfer to 4711 Ada". The bank's own cash is not named."""
    words = str(transaction.get_type_display())
    is_debit = side_of(account, transaction) == EntrySide.DEBIT
    other = transaction.credit_account if is_debit else transaction.debit_account
    if other.kind == AccountKind.INTERNAL:
        return words
    return f"{words} {'to' if is_debit else 'from'} {other}"


def _before(line: int | UUID) -> str:
    return f"?{urlencode({BEFORE: str(line)})}#statement"


def _as_sequence(text: str | None) -> int | None:
    # Below the largest BIGINT, which is as far as a sequence goes.
    if text and text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0:
        return int(text)
    return None


def _as_id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
