"""Reads of the journal and the ledger.

Histories come from both sides of the journal, and each side has an index in list order. A page
takes as many ids from each side as it needs, in one statement, and then reads just those rows. Its
cost does not depend on the length of the account's history.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Prefetch, Q, QuerySet, Sum, prefetch_related_objects

from accounts.models import Account, AccountEvent
from accounts.representation import AccountRow
from accounts.selectors import visible_accounts
from accounts.states import AccountEventType
from core.api.permissions import has_right
from core.errors import NotFound
from core.identifiers import lowest_uuid7
from core.money import from_units
from transactions.archive.checkpoints import internal_balance
from transactions.ledger.failures import read_beforehand
from transactions.models import Entry, Transaction, TransactionEvent
from transactions.reads.balances import HasSequences, balances_at
from transactions.reads.branches import Branch
from transactions.reads.settled import settled_at, settled_moment
from transactions.states import TransactionStatus, TransactionType

READ_RIGHT = "transactions.view_transaction"

# For an owner of more accounts than this, a list is read along the ids of all transactions.
_MOST_BRANCHED_ACCOUNTS = 50


# Owners see a reversal, which the bank makes, only once it is completed.
_VISIBLE_AS_PAYER = ~Q(type=TransactionType.REVERSAL) | Q(status=TransactionStatus.COMPLETED)


def own_account_ids(user: Any) -> frozenset[UUID] | None:
    """The accounts whose side of a transaction the user may see; None means all."""
    if has_right(user, READ_RIGHT):
        return None
    return frozenset(visible_accounts(user).values_list("pk", flat=True))


def sides_of(account_ids: Iterable[UUID], *, own: frozenset[UUID] | None) -> list[Branch]:
    """The debit and the credit side of each account, as far as the owner of `own` may see them.

    The payee sees a transaction only once it is completed.
    """
    debits = credits_ = Transaction.objects.all()
    if own is not None:
        debits = debits.filter(_VISIBLE_AS_PAYER)
        credits_ = credits_.filter(visible_as_payee(own))
    return [
        Branch(rows=rows, account_column=column, account_id=account_id)
        for account_id in sorted(account_ids)
        for column, rows in (("debit_account_id", debits), ("credit_account_id", credits_))
    ]


def visible_branches(own: frozenset[UUID] | None, account_id: UUID | None) -> list[Branch]:
    """All visible transactions, or those of one account, as branches of a page."""
    if account_id is not None:
        return sides_of({account_id} if own is None else {account_id} & own, own=own)
    if own is None:
        return [Branch(rows=Transaction.objects.all())]
    if len(own) <= _MOST_BRANCHED_ACCOUNTS:
        return sides_of(own, own=own)
    return [Branch(rows=Transaction.objects.filter(_visible_to_owner(own)))]


def _visible_to_owner(own: frozenset[UUID]) -> Q:
    paid = Q(debit_account_id__in=own) & _VISIBLE_AS_PAYER
    return paid | (Q(credit_account_id__in=own) & visible_as_payee(own))


def visible_as_payee(own: frozenset[UUID]) -> Q:
    """Which credits of `own` are visible: completed ones, and those that `own` pay themselves."""
    return Q(status=TransactionStatus.COMPLETED) | (Q(debit_account_id__in=own) & _VISIBLE_AS_PAYER)


def visible_transaction(user: Any, transaction_id: UUID) -> Transaction:
    """A transaction visible to the user. Raises NotFound for invisible and missing ones alike."""
    found = Transaction.objects.filter(pk=transaction_id)
    own = own_account_ids(user)
    if own is not None:
        found = found.filter(_visible_to_owner(own))
    transaction = found.first()
    if transaction is None:
        raise NotFound(f"There is no transaction {transaction_id}.")
    return transaction


def initial_deposit(account_id: UUID) -> Transaction | None:
    """The deposit that was made together with the opening of an account, if there was one.

    Opening and deposit share their moment, and nothing else can credit the account by then. Two
    statements.
    """
    opened = AccountEvent.objects.filter(account_id=account_id, event=AccountEventType.OPENED)
    moment = opened.values_list("at", flat=True).first()
    if moment is None:
        return None
    side = Branch(
        rows=Transaction.objects.filter(type=TransactionType.DEPOSIT),
        account_column="credit_account_id",
        account_id=account_id,
        first=lowest_uuid7(moment),
        end=lowest_uuid7(moment + timedelta(microseconds=1)),
    )
    return side.page(backwards=True, limit=1).first()


def with_details(transaction: Transaction, own: frozenset[UUID] | None) -> Transaction:
    """Returns the transaction with its entries and events read, as far as they are visible.

    An owner sees the entry of their own side. Events and reasons of staff are for staff.
    """
    entries, events = Entry.objects.order_by("side"), TransactionEvent.objects.order_by("id")
    if own is not None:
        entries, events = entries.filter(account_id__in=own), events.none()
    prefetch_related_objects(
        [transaction],
        Prefetch("entries", queryset=entries),
        Prefetch("events", queryset=events.select_related("actor")),
    )
    return transaction


def page_of_transactions(
    branches: Sequence[Branch], *, after: UUID | None, backwards: bool, limit: int
) -> list[Transaction]:
    """Up to `limit` transactions of any branch, newest first, that follow the id `after`.

    With `backwards` those before it, nearest first. Two statements, however many branches, and one
    more if some belong to batches.
    """
    beyond = {} if after is None else {"end": after}
    if backwards and after is not None:
        beyond = {"first": UUID(int=after.int + 1)}
    pages = [
        branch.narrowed(Q(), **beyond).page(backwards=backwards, limit=limit) for branch in branches
    ]
    if len(pages) == 1:
        found = list(pages[0])
    else:
        found = list(Transaction.objects.filter(pk__in=_union_of_ids(pages, backwards, limit)))
    read_beforehand(found)
    return sorted(found, key=lambda transaction: transaction.id, reverse=not backwards)


def _union_of_ids(pages: Sequence[QuerySet], backwards: bool, limit: int) -> list[UUID]:
    """The first ids of all pages together. UNION, as a transaction may be in two of them."""
    if not pages:
        return []
    compiled = [page.values("id").query.sql_with_params() for page in pages]
    # Built from compiled querysets and two words; all values are parameters.
    branches = " UNION ".join(
        f"SELECT id FROM ({sql}) AS branch_{index}"  # noqa: S608
        for index, (sql, _) in enumerate(compiled)
    )
    params = [param for _, values in compiled for param in values]
    direction = "ASC" if backwards else "DESC"
    with connection.cursor() as cursor:
        statement = f"{branches} ORDER BY id {direction} LIMIT %s"
        cursor.execute(statement, [*params, limit])
        return [row[0] if isinstance(row[0], UUID) else UUID(row[0]) for row in cursor.fetchall()]


def page_of_entries(
    account: HasSequences, *, after: int | None, backwards: bool, limit: int
) -> list[Entry]:
    """Up to `limit` ledger lines of a customer account, highest sequence first.

    Sequences have no gap, so a page is a range of them. Both ends are needed: SQLite cannot merge
    the two sides of the journal in order, and would read and sort all rows beyond an open end.
    """
    if account.last_sequence is None:
        return []
    if after is None:
        after = 0 if backwards else account.last_sequence + 1
    ends = (after + 1, after + limit) if backwards else (after - limit, after - 1)
    found = Entry.objects.filter(account_id=account.id, sequence__range=ends)
    # For the value date. Not by a join, for which SQLite would build the whole view.
    entries = found.prefetch_related("transaction")
    return list(entries.order_by("sequence" if backwards else "-sequence")[:limit])


def balance_at(account: AccountRow, at: datetime) -> Decimal:
    """The balance after everything posted until `at`, inclusive; zero before the first entry.

    The result never changes: see `settled_at`, which raises InvalidInput and Busy.
    """
    settled = settled_at(account, at)
    if settled.last_sequence is None:
        entries = Entry.objects.filter(account=account.id, posted_at__lte=at)
        return entries.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    return balances_at(settled, [at])[0].balance


def balance_report(account: Account | AccountRow, at: datetime | None) -> dict[str, Any]:
    """Balance and available balance now, or the balance at a past moment.

    The balance at `at` is final: later postings get later moments. Raises InvalidInput for a moment
    in the future, Busy if a posting under way does not end in time.
    """
    row = account if isinstance(account, AccountRow) else AccountRow.of(account)
    report = {"account_id": row.id, "currency": row.currency}
    if at is not None:
        return report | {"balance": balance_at(row, at), "available_balance": None, "at": at}
    balance, moment = _balance_now(row)
    available = None if row.available_balance is None else from_units(row.available_balance)
    return report | {"balance": balance, "available_balance": available, "at": moment}


def _balance_now(account: AccountRow) -> tuple[Decimal, datetime]:
    """The balance, and the moment since when it holds; for an internal account, a moment ago.

    Without a lock, a posting under way to a customer account is invisible and may get a moment
    before now, but never before the last visible one.
    """
    if account.balance is not None:
        return from_units(account.balance), account.last_posted_at or account.created_at
    moment = settled_moment()
    return internal_balance(account.id, moment), moment
