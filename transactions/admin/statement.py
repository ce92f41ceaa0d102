"""An account's statement for its page: a page of ledger lines, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from uuid import UUID

from django.db.models import Q, prefetch_related_objects
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import localdate

from accounts.models import Account
from accounts.states import AccountKind
from core.console.admin import shown_amount
from core.identifiers import parse_uuid
from transactions.models import EntrySide, Transaction
from transactions.models.queries import SIDES
from transactions.reads.lists import page_of_transactions, sides_of
from transactions.states import TransactionStatus

LINES = 20
# The page's parameter: the line before the shown ones.
BEFORE = "before"
# Above every sequence: the largest BIGINT.
_HIGHEST = (1 << 63) - 1
_SHOWN_OF_ACCOUNT = (
    "number",
    "name",
    "kind",
    "customer__name",
    "owner__username",
    "owner__first_name",
    "owner__last_name",
)
_SHOWN_COLUMNS = (
    "type",
    "amount",
    "currency",
    "description",
    "debit_sequence",
    "debit_balance_after",
    "credit_sequence",
    "credit_balance_after",
    "effective_at",
    "completed_at",
    *(f"{side}_account__{name}" for side in ("debit", "credit") for name in _SHOWN_OF_ACCOUNT),
)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """The effect of one transaction on the account. Amounts as displayed; "" on the other side.

    `value_date` is set if it is on another day than the posting.
    """

    at: datetime
    value_date: datetime | None
    text: str
    description: str
    debit: str
    credit: str
    balance: str
    url: str


@dataclass(frozen=True, slots=True)
class ShownEntries:
    """`older` is the address of the next, older page; empty on the last page."""

    lines: Sequence[StatementLine]
    older: str
    is_newest: bool


def statement(account: Account, before: str | None) -> ShownEntries:
    """The lines before a sequence or, for an internal account, before an id.

    An invalid `before` gives the newest lines. The cost does not depend on the position in the
    account: two or three statements, each by an index.
    """
    if account.last_sequence is None:
        return _internal_statement(account, _as_id(before))
    after = _as_sequence(before)
    last = min(after or _HIGHEST, account.last_sequence + 1) - 1
    first = max(last - LINES + 1, 1)
    lines = [_line(account, transaction) for transaction in posted(account, first, last)]
    older = _before(first) if first > 1 else ""
    return ShownEntries(lines[::-1], older, is_newest=after is None)


def posted(account: Account, first: int, last: int) -> list[Transaction]:
    """The transactions behind the account's entries numbered `first` to `last`, in that order.

    For customer accounts. Two statements, one for each side, each by its index of sequences. Reads
    only the columns that a statement shows, and the names of the accounts.
    """
    found: list[tuple[int, Transaction]] = []
    for side in ("debit", "credit"):
        of_side = {f"{side}_account": account, f"{side}_sequence__range": (first, last)}
        rows = Transaction.objects.select_related(*SIDES)
        found += [
            (getattr(row, f"{side}_sequence"), row)
            for row in rows.filter(**of_side).only(*_SHOWN_COLUMNS)
        ]
    return [transaction for _, transaction in sorted(found, key=itemgetter(0))]


def _internal_statement(account: Account, after: UUID | None) -> ShownEntries:
    """Reads the journal: an internal account has no sequence, and no balance after each line."""
    completed = [
        branch.narrowed(Q(status=TransactionStatus.COMPLETED))
        for branch in sides_of([account.pk], own=None)
    ]
    found = page_of_transactions(completed, after=after, backwards=False, limit=LINES + 1)
    shown = found[:LINES]
    prefetch_related_objects(shown, *SIDES)
    older = _before(shown[-1].pk) if len(found) > LINES else ""
    lines = [_line(account, transaction) for transaction in shown]
    return ShownEntries(lines, older, is_newest=after is None)


def _line(account: Account, transaction: Transaction) -> StatementLine:
    is_debit = side_of(account, transaction) == EntrySide.DEBIT
    amount = shown_amount(transaction.amount, transaction.currency)
    balance = balance_after(account, transaction)
    assert transaction.completed_at is not None, "Each posted transaction is completed."
    return StatementLine(
        at=transaction.completed_at,
        value_date=_other_day(transaction.effective_at, transaction.completed_at),
        text=text_of(account, transaction),
        description=transaction.description,
        debit=amount if is_debit else "",
        credit="" if is_debit else amount,
        balance="" if balance is None else shown_amount(balance, transaction.currency),
        url=reverse("admin:transactions_transaction_change", args=(transaction.pk,)),
    )


def _other_day(moment: datetime, posted_at: datetime) -> datetime | None:
    """The moment, unless it is on the day of posting in the current time zone."""
    return None if localdate(moment) == localdate(posted_at) else moment


def balance_after(account: Account, transaction: Transaction) -> Decimal | None:
    """The account's balance after the transaction; None for an internal account."""
    if side_of(account, transaction) == EntrySide.DEBIT:
        return transaction.debit_balance_after
    return transaction.credit_balance_after


def side_of(account: Account, transaction: Transaction) -> EntrySide:
    return EntrySide.DEBIT if transaction.debit_account_id == account.pk else EntrySide.CREDIT


def text_of(account: Account, transaction: Transaction) -> str:
    """The type and the other account: "Transfer to 4711 Ada". The cash account is not named."""
    words = str(transaction.get_type_display())
    is_debit = side_of(account, transaction) == EntrySide.DEBIT
    other = transaction.credit_account if is_debit else transaction.debit_account
    if other.kind == AccountKind.INTERNAL:
        return words
    return f"{words} {'to' if is_debit else 'from'} {other.in_full}"


def _before(line: int | UUID) -> str:
    return f"?{urlencode({BEFORE: str(line)})}#statement"


def _as_sequence(text: str | None) -> int | None:
    # Accepts at most this many digits: longer numbers are above every sequence.
    if text and text.isascii() and text.isdigit() and len(text) < 19:
        return int(text) or None
    return None


def _as_id(text: str | None) -> UUID | None:
    try:
        return parse_uuid(text)
    except ValueError:
        return None
