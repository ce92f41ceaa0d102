"""Reads of accounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import Account, LimitRequest
from accounts.states import AccountKind, AccountStatus, LimitRequestStatus, ShownStatus
from core import clock
from core.api.pagination import PageById
from core.api.permissions import has_right
from core.errors import FieldError, InvalidInput, NotFound
from core.sql.bulk import array
from core.sql.cursors import prepared_cursor


def visible_accounts(user: Any) -> QuerySet[Account]:
    """The accounts visible to the user: all for staff with the right, else the user's own."""
    accounts = Account.objects.select_related("owner")
    if has_right(user, "accounts.view_account"):
        return accounts
    return accounts.filter(owner=user.pk, kind=AccountKind.CUSTOMER)


def visible_account(user: Any, account_id: UUID) -> Account:
    """One account visible to the user. Raises NotFound if it is missing or hidden."""
    account = visible_accounts(user).filter(pk=account_id).first()
    if account is None:
        raise NotFound(f"There is no account {account_id}.")
    return account


Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class AccountCurrency:
    """The currency and owner of an account. Neither ever changes, so no lock is needed."""

    id: UUID
    currency: str
    owner_id: int | None
    # A moment of the bank's clock.
    read_at: datetime


_CURRENCIES = (
    "SELECT id, currency, owner_id, clock_timestamp() FROM accounts_account"
    " WHERE kind = 'CUSTOMER' AND id = ANY(%s::uuid[])"
)


def currencies_of(account_ids: Iterable[UUID]) -> dict[UUID, AccountCurrency]:
    """The currencies and owners of customer accounts. Raises NotFound if one does not exist."""
    wanted = set(account_ids)
    found = {
        account_id: AccountCurrency(account_id, currency, owner, read_at)
        for account_id, currency, owner, read_at in _currencies(wanted)
    }
    if len(found) < len(wanted):
        raise NotFound(f"There is no account {min(wanted - found.keys())}.")
    return found


def _currencies(account_ids: set[UUID]) -> Iterable[tuple[UUID, str, int | None, datetime]]:
    if not account_ids:
        return []
    if connection.vendor != "postgresql":
        rows = Account.objects.filter(pk__in=account_ids, kind=AccountKind.CUSTOMER)
        now = clock.now()
        return [(*row, now) for row in rows.values_list("id", "currency", "owner_id")]
    # Runs for each queued command: constant text, planned once.
    with prepared_cursor() as cursor:
        cursor.execute(_CURRENCIES, [array(account_ids)])
        return [(*row, clock.as_told(at)) for *row, at in cursor.fetchall()]


def limit_requests() -> QuerySet[LimitRequest]:
    """All requests for overdraft limits, with the related rows that are shown."""
    return LimitRequest.objects.select_related("account", "requested_by", "decided_by")


def limit_request(request_id: UUID) -> LimitRequest:
    """The request with this id. Raises NotFound."""
    found = limit_requests().filter(pk=request_id).first()
    if found is None:
        raise NotFound(f"There is no limit request {request_id}.")
    return found


# A literal, as in the index: SQLite uses a partial index only for a condition without parameters.
_PENDING = RawSQL(f"'{LimitRequestStatus.PENDING}'", ())  # noqa: S611 - a constant


def waiting_limits() -> QuerySet[LimitRequest]:
    """The requests that wait for a second person, oldest first."""
    return limit_requests().filter(status=_PENDING).order_by("id")


def owner_id(username: str | None) -> int | None:
    """The id of the account's future owner. Raises InvalidInput if there is no such user."""
    if username is None:
        return None
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is None:
        raise InvalidInput(
            errors=[FieldError("/owner", "unknown_user", "There is no such active user.")]
        )
    return int(user.pk)


def shown_as(status: ShownStatus) -> Q:
    """Accounts with this shown status: frozen ones are active accounts with a block."""
    blocked = Q(debits_blocked=True) | Q(credits_blocked=True)
    return {
        ShownStatus.CLOSED: Q(status=AccountStatus.CLOSED),
        ShownStatus.FROZEN: Q(status=AccountStatus.ACTIVE) & blocked,
        ShownStatus.ACTIVE: Q(status=AccountStatus.ACTIVE) & ~blocked,
    }[status]


def page_of(rows: QuerySet[Row]) -> PageById[Row]:
    """Reads a page of these rows, newest first, after an id."""

    def fetch(*, after: UUID | None, backwards: bool, limit: int) -> list[Row]:
        beyond = rows
        if after is not None:
            beyond = rows.filter(Q(id__gt=after) if backwards else Q(id__lt=after))
        return list(beyond.order_by("id" if backwards else "-id")[:limit])

    return fetch
