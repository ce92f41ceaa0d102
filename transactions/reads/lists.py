"""Lists of transactions: who sees which of them, and their pages.

Histories come from both sides of the journal, and each side has an index in list order. A page
takes as many ids from each side as it needs, and reads just those rows, in one statement. Its cost
does not depend on the length of the account's history.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import Account
from accounts.selectors import accounts_of, ids_of_owner, sees_all_accounts, visible_account
from core.api.pagination import USUAL_LIMIT, PageById
from core.api.permissions import has_right
from core.identifiers import IdRange
from core.sql.cursors import rows_of
from core.sql.reads import ShapedRead
from transactions.ledger.failures import final_ids, read_beforehand
from transactions.models import Transaction
from transactions.reads.branches import Branch
from transactions.reads.rows import TRANSACTION_COLUMNS, TransactionRow
from transactions.states import TransactionStatus, TransactionType

READ_RIGHT = "transactions.view_transaction"

# For an owner of more accounts than this, a list is read along the ids of all transactions.
_MOST_BRANCHED_ACCOUNTS = 50

# Ids of accounts, or the query for them.
Own = frozenset[UUID] | QuerySet[Account, Any]

# Owners see a reversal, which the bank makes, only once it is completed.
_VISIBLE_AS_PAYER = ~Q(type=TransactionType.REVERSAL) | Q(status=TransactionStatus.COMPLETED)


def owner_of(user: Any) -> int | None:
    """The owner whose sides of transactions the user may see; None for staff, who see all."""
    owner_id: int | None = None if has_right(user, READ_RIGHT) else user.pk
    return owner_id


def own_accounts(owner_id: int | None) -> QuerySet[Account, Any] | None:
    """The query for the ids of an owner's accounts; None without an owner."""
    return None if owner_id is None else accounts_of(owner_id).values("pk")


def visible_to_owner(own: Own) -> Q:
    """Which transactions the owner of these accounts sees."""
    paid = Q(debit_account_id__in=own) & _VISIBLE_AS_PAYER
    return paid | (Q(credit_account_id__in=own) & _visible_as_payee(own))


def _visible_as_payee(own: Own) -> Q:
    """Which credits of `own` are visible: completed ones, and those that `own` pay themselves."""
    return Q(status=TransactionStatus.COMPLETED) | (Q(debit_account_id__in=own) & _VISIBLE_AS_PAYER)


def sides_of(account_ids: Iterable[UUID], *, own: Own | None) -> list[Branch]:
    """The debit and the credit side of each account, as far as the owner of `own` may see them.

    The payee sees a transaction only once it is completed.
    """
    debits = credits_ = Transaction.objects.all()
    if own is not None:
        debits = debits.filter(_VISIBLE_AS_PAYER)
        credits_ = credits_.filter(_visible_as_payee(own))
    return [
        Branch(rows=rows, account_column=column, account_id=account_id)
        for account_id in account_ids
        for column, rows in (("debit_account_id", debits), ("credit_account_id", credits_))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionList:
    """Transactions, newest first: of these accounts, or of all, as far as an owner sees them.

    Without `owner_id` the reader sees everything. `condition` and `ids` narrow the list.
    """

    owner_id: int | None
    account_ids: tuple[UUID, ...] | None
    condition: Q = field(default_factory=Q)
    ids: IdRange = field(default_factory=IdRange)

    def page(self, *, after: UUID | None, backwards: bool, limit: int) -> list[TransactionRow]:
        """Up to `limit` transactions that follow the id `after`; `backwards` those before it.

        The nearest first. One statement, however many accounts, and at most two more if some have
        failed.
        """
        account_ids = self.account_ids
        if account_ids == ():
            return []
        part = self.ids.beyond(after, backwards=backwards)
        values: dict[str, Any] = {"first": part.first, "end": part.end}
        values |= {f"account_{index}": one for index, one in enumerate(account_ids or ())}
        if self.owner_id is not None:
            values["owner_id"] = self.owner_id
        shape = (limit, backwards, account_ids is None)
        if self.condition:
            rows = rows_of(_page(*shape, self.condition, **values))
        elif limit == USUAL_LIMIT and not backwards and len(account_ids or ()) < 2:
            rows = _plain_page(*shape, **values)
        else:
            rows = _plain_page.unprepared(*shape, **values)
        return told_final([TransactionRow(*row) for row in rows])


def page_of_history(
    user: Any, account_id: UUID, transactions: TransactionList
) -> PageById[TransactionRow]:
    """Reads a page of the transactions of an account, as `TransactionList.page`.

    The page raises NotFound if the account is missing or hidden. An account with transactions is
    not missing, so staff who see all accounts need no statement to find out.
    """

    def fetch(*, after: UUID | None, backwards: bool, limit: int) -> list[TransactionRow]:
        if not (sees_all := sees_all_accounts(user)):
            visible_account(user, account_id)
        rows = transactions.page(after=after, backwards=backwards, limit=limit)
        if sees_all and not rows:
            visible_account(user, account_id)
        return rows

    return fetch


def list_for(user: Any, account_id: UUID | None) -> tuple[TransactionList, frozenset[UUID] | None]:
    """The transactions that a user may see: all of them, or those of one account.

    And the accounts whose sides may be shown, None for all.
    """
    owner_id = owner_of(user)
    own = None if owner_id is None else ids_of_owner(owner_id)
    wanted: Collection[UUID] | None = own if account_id is None else [account_id]
    if wanted is not None and own is not None:
        wanted = sorted(own.intersection(wanted))
    if wanted is None or len(wanted) > _MOST_BRANCHED_ACCOUNTS:
        return TransactionList(owner_id=owner_id, account_ids=None), own
    return TransactionList(owner_id=owner_id, account_ids=tuple(wanted)), own


def told_final(rows: list[TransactionRow]) -> list[TransactionRow]:
    """The rows with `is_final` told: at most three statements, usually none."""
    failed = [row for row in rows if row.failure_code]
    if not failed or not (final := final_ids(failed)):
        return rows
    return [row._replace(is_final=True) if row.id in final else row for row in rows]


def page_of_transactions(
    branches: Sequence[Branch], *, after: UUID | None, backwards: bool, limit: int
) -> list[Transaction]:
    """As `TransactionList.page`, as instances, for the console."""
    part = IdRange().beyond(after, backwards=backwards)
    found = list(_rows([branch.narrowed(Q(), part) for branch in branches], limit, backwards))
    read_beforehand(found)
    return found


def _page(
    limit: int,
    backwards: bool,
    of_all: bool,
    condition: Q = Q(),  # noqa: B008 - it is never changed
    *,
    first: UUID,
    end: UUID,
    owner_id: int | None = None,
    **account_ids: UUID,
) -> QuerySet[Transaction, Any]:
    own = own_accounts(owner_id)
    branches = sides_of(account_ids.values(), own=own)
    if of_all:
        rows = Transaction.objects.all()
        branches = [Branch(rows=rows if own is None else rows.filter(visible_to_owner(own)))]
    part = IdRange(first=first, end=end)
    narrowed = [branch.narrowed(condition, part) for branch in branches]
    return _rows(narrowed, limit, backwards).values_list(*TRANSACTION_COLUMNS)


_plain_page = ShapedRead(_page)


def _rows(
    branches: Sequence[Branch], limit: int, backwards: bool
) -> QuerySet[Transaction, Transaction]:
    """The first rows of all branches together, in the order of the list."""
    pages = [branch.page(backwards=backwards, limit=limit) for branch in branches]
    if not pages:
        return Transaction.objects.none()
    if len(pages) == 1:
        return pages[0]
    found = Transaction.objects.filter(pk__in=_union_of_ids(pages, backwards, limit))
    return found.order_by("id" if backwards else "-id")


def _union_of_ids(pages: Sequence[QuerySet[Transaction]], backwards: bool, limit: int) -> RawSQL:
    """The first ids of all pages together. UNION, as a transaction may be in two of them."""
    compiled = [page.values("id").query.sql_with_params() for page in pages]
    # Built from compiled querysets and two words; all values are parameters.
    branches = " UNION ".join(
        f"SELECT id FROM ({sql}) AS branch_{index}"  # noqa: S608
        for index, (sql, _) in enumerate(compiled)
    )
    params = [param for _, values in compiled for param in values]
    direction = "ASC" if backwards else "DESC"
    return RawSQL(f"{branches} ORDER BY id {direction} LIMIT {limit:d}", params)  # noqa: S611
