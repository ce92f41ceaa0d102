"""The transactions that an archive run takes, read batch by batch in index order."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from core.money import raw_units
from transactions.models import Transaction
from transactions.models.queries import touching
from transactions.states import TransactionStatus

_SIDES = ("debit", "credit")


@dataclass(frozen=True, slots=True)
class Position:
    """How far the selection has been read: first the completed rows, then the failed ones."""

    failed: bool = False
    moment: datetime | None = None
    id: UUID | None = None

    @property
    def key(self) -> str:
        """The column of `moment`: when a transaction was settled."""
        return "updated_at" if self.failed else "completed_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Settled transactions that are not archived yet, within all of these limits.

    `before` excludes rows completed or failed at that moment or later. `keep_last` excludes the
    newest N postings of each customer account. A transfer or a failure is taken once it is older
    than those postings of all its accounts. `account_id` takes only transactions that debit or
    credit that account.
    """

    before: datetime | None = None
    keep_last: int | None = None
    account_id: UUID | None = None
    include_failed: bool = False

    def bounds(self) -> dict[str, Any]:
        """The selection, in the form stored with its run."""
        bounds: dict[str, Any] = {"include_failed": self.include_failed}
        if self.before is not None:
            bounds["before"] = self.before.isoformat()
        if self.keep_last is not None:
            bounds["keep_last"] = self.keep_last
        if self.account_id is not None:
            bounds["account_id"] = str(self.account_id)
        return bounds

    def next_ids(self, after: Position, limit: int) -> tuple[list[str], Position]:
        """Up to `limit` ids after the position `after`, and the position of the last one."""
        ids = self._page(after, limit)
        if not ids and self.include_failed and not after.failed:
            after = Position(failed=True)
            ids = self._page(after, limit)
        if ids:
            last = Transaction.objects.filter(pk=ids[-1])
            after = replace(after, moment=last.values_list(after.key, flat=True).get(), id=ids[-1])
        return [str(one) for one in ids], after

    def totals(self) -> dict[str, tuple[int, int]]:
        """By currency, the number of transactions to take, and the sum of amounts in units."""
        found: dict[str, tuple[int, int]] = {}
        for queryset in self._querysets():
            # Removes the model's ordering, which would become part of the groups.
            groups = queryset.order_by().values_list("currency")
            counted = groups.annotate(rows=Count("id"), units=Sum(raw_units("amount")))
            for currency, rows, units in counted:
                known_rows, known_units = found.get(currency, (0, 0))
                found[currency] = (known_rows + rows, known_units + int(units))
        return dict(sorted(found.items()))

    def _querysets(self) -> Iterator[QuerySet[Transaction]]:
        yield self._completed()
        if self.include_failed:
            yield self._failed()

    def _page(self, after: Position, limit: int) -> list[UUID]:
        rows, moment = self._failed() if after.failed else self._completed(), after.key
        if after.id is not None:
            # The first condition is the range of the index, the second one its ties.
            rows = rows.filter(
                Q(**{f"{moment}__gte": after.moment}),
                Q(**{f"{moment}__gt": after.moment}) | Q(id__gt=after.id),
            )
        return list(rows.order_by(moment, "id").values_list("id", flat=True)[:limit])

    def _completed(self) -> QuerySet[Transaction]:
        rows = self._unarchived(TransactionStatus.COMPLETED)
        if self.before is not None:
            rows = rows.filter(completed_at__lt=self.before)
        if self.keep_last is not None:
            for side in _SIDES:
                newest = F(f"{side}_account__last_sequence") - self.keep_last
                internal = Q(**{f"{side}_sequence__isnull": True})
                rows = rows.filter(internal | Q(**{f"{side}_sequence__lte": newest}))
        return rows

    def _failed(self) -> QuerySet[Transaction]:
        rows = self._unarchived(TransactionStatus.FAILED)
        if self.before is not None:
            rows = rows.filter(updated_at__lt=self.before)
        if self.keep_last:
            for side in _SIDES:
                internal = Q(**{f"{side}_account__last_sequence__isnull": True})
                rows = rows.filter(internal | Q(_is_older_than_kept(side, self.keep_last)))
        return rows

    def _unarchived(self, status: TransactionStatus) -> QuerySet[Transaction]:
        # Exactly the condition of a partial index.
        rows = Transaction.objects.filter(status=status, archived_at__isnull=True)
        return rows if self.account_id is None else rows.filter(touching(self.account_id))


def _is_older_than_kept(side: str, kept: int) -> Exists:
    """Whether the account of that side has `kept` postings since the transaction failed."""
    account = OuterRef(f"{side}_account_id")
    oldest_kept = OuterRef(f"{side}_account__last_sequence") - (kept - 1)
    entry = Q(debit_account_id=account, debit_sequence=oldest_kept) | Q(
        credit_account_id=account, credit_sequence=oldest_kept
    )
    return Exists(Transaction.objects.filter(entry, completed_at__gt=OuterRef("updated_at")))
