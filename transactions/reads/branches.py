"""Parts of the journal that an index holds in list order."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import models
from django.db.models import F, Func, Q, QuerySet, Value

from core.identifiers import IdRange
from transactions.models import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """Transactions that an index holds in the order of their ids: all, or one side of an account.

    Their ids lie in the range `ids`.
    """

    rows: QuerySet[Transaction]
    account_column: str = ""
    account_id: UUID | None = None
    ids: IdRange = field(default_factory=IdRange)

    def narrowed(self, condition: Q, ids: IdRange | None = None) -> "Branch":
        """The branch limited to rows that meet the condition and lie in the range."""
        rows = self.rows.filter(condition)
        return replace(self, rows=rows, ids=self.ids if ids is None else self.ids.both(ids))

    def page(self, *, backwards: bool, limit: int) -> QuerySet[Transaction]:
        """The newest rows, or with `backwards` the oldest.

        For a side the filter is a range of the keys (account, id), in their order, so that only
        that side's index fits. With a plain equality on the account PostgreSQL might scan the
        primary key instead, through the later rows of all other accounts.
        """
        sign = "" if backwards else "-"
        if not self.account_column:
            rows = self.rows.filter(id__gte=self.ids.first, id__lt=self.ids.end)
            return rows.order_by(f"{sign}id")[:limit]
        rows = self.rows.filter(self._key(">=", self.ids.first), self._key("<", self.ids.end))
        return rows.order_by(f"{sign}{self.account_column}", f"{sign}id")[:limit]

    def _key(self, operator: str, identifier: UUID) -> Func:
        """A comparison of row values, which both databases look up in the index as one key.

        Django's own tuple lookup expands to OR on SQLite, which then reads the index from its end.
        """
        sides = (
            (F(self.account_column), F("id")),
            (Value(self.account_id, models.UUIDField()), Value(identifier, models.UUIDField())),
        )
        rows = (
            Func(*side, template="(%(expressions)s)", output_field=models.Field()) for side in sides
        )
        return Func(
            *rows,
            template="%(expressions)s",
            arg_joiner=f" {operator} ",
            output_field=models.BooleanField(),
        )
