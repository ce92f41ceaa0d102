"""Ids carry a row's time of creation (core.identifiers), or identify an internal account."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from accounts.models import Account, internal_account_id
from accounts.states import AccountKind
from core.identifiers import moment_of
from transactions.models import Hold, Note, Transaction
from transactions.verifier.report import Collector, Place

_CHUNK = 5000


def check(connection: BaseDatabaseWrapper, found: Collector) -> None:
    """Decodes every id in Python, by the functions that all other code uses."""
    accounts = Account.objects.using(connection.alias)
    customers = accounts.filter(kind=AccountKind.CUSTOMER)
    transactions = Transaction.objects.using(connection.alias).all()
    notes = Note.objects.using(connection.alias).all()
    holds = Hold.objects.using(connection.alias).all()
    for name, queryset, column in (
        ("account_id", customers, "created_at"),
        ("transaction_id", transactions, "created_at"),
        ("note_id", notes, "at"),
        ("hold_id", holds, "created_at"),
    ):
        for identifier, created_at in _ids_and_times(queryset, column):
            if (moment := _moment(identifier)) != created_at:
                found.add(
                    "R1.id_tells_another_time",
                    "The id of a row carries the time of its creation.",
                    Place({name: str(identifier)}, _shown(created_at), _shown(moment)),
                )
    for account in accounts.filter(kind=AccountKind.INTERNAL):
        if account.id != (expected := internal_account_id(account.code, account.currency)):
            found.add(
                "M1.internal_account_id",
                "The id of an internal account follows from its code and currency.",
                Place({"account_number": account.number}, str(expected), str(account.id)),
            )


def _ids_and_times(queryset: QuerySet, column: str) -> Iterator[tuple[UUID, datetime]]:
    return queryset.order_by().values_list("id", column).iterator(chunk_size=_CHUNK)


def _moment(identifier: UUID) -> datetime | None:
    return moment_of(identifier) if identifier.version == 7 else None


def _shown(moment: datetime | None) -> str:
    return moment.isoformat() if moment else "no time"
