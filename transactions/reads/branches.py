"""Parts of the journal that an index holds in the order of a list."""

from dataclasses import dataclass, replace
from uuid import UUID

from django.db import models
from django.db.models import F, Func, Q, QuerySet, Value

from transactions.models import Transaction

_LOWEST_ID, _HIGHEST_ID = UUID(int=0), UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """Transactions that an index holds in the order of their ids: all, or one side of an account.

    Their ids lie from `first` up to, and without, `end`.
    """

    rows: QuerySet[Transaction]
    account_column: str = ""
    account_id: UUID | None = None
    first: UUID = _LOWEST_ID
    end: UUID = _HIGHEST_ID

    def narrowed(
        self, condition: Q, *, first: UUID = _LOWEST_ID, end: UUID = _HIGHEST_ID
    ) -> "Branch":
        """Those of them that meet the condition and lie in the range as well."""
        rows = self.rows.filter(condition)
        return replace(self, rows=rows, first=max(first, self.first), end=min(end, self.end))

    def page(self, *, backwards: bool, limit: int) -> QuerySet[Transaction]:
        """The newest, or `backwards` the oldest.

        Of a side it is a range of the keys (account, id), in their order, so that only the index of
        that side will do. Told that the account equals one value PostgreSQL may as well walk the
        primary key, through all that others have done since.
        """
        sign = "" if backwards else "-"
        if not self.account_column:
            rows = self.rows.filter(id__gte=self.first, id__lt=self.end)
            return rows.order_by(f"{sign}id")[:limit]
        rows = self.rows.filter(self._key(">=", self.first), self._key("<", self.end))
        return rows.order_by(f"{sign}{self.account_column}", f"{sign}id")[:limit]

    def _key(self, operator: str, identifier: UUID) -> Func:
        """A comparison of row values, which both databases look up in the index as one key.

        Django's own lookup of tuples writes it out with OR on SQLite, which then reads the index
        from its end.
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
