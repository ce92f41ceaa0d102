"""Reads of accounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import Account, LimitRequest, holders
from accounts.representation import COLUMNS, AccountRow
from accounts.states import AccountKind, AccountStatus, LimitRequestStatus, ShownStatus
from core import clock
from core.api.pagination import USUAL_LIMIT, PageById
from core.api.permissions import has_right
from core.errors import FieldError, InvalidInput, NotFound
from core.identifiers import IdRange
from core.sql.bulk import array_of_ids
from core.sql.cursors import prepared_rows, rows_of
from core.sql.reads import ShapedRead

# The condition that all rows meet.
_ANY = Q()


def has_open_account(customer_id: UUID) -> bool:
    """Whether the customer has an account that is not closed."""
    accounts = Account.objects.filter(customer=customer_id)
    return accounts.exclude(status=AccountStatus.CLOSED).exists()


def visible_accounts(user: Any) -> QuerySet[Account]:
    """The accounts visible to the user: all for staff with the right, else the user's own."""
    return _visible(**_as_owner(user)).select_related("owner")


def accounts_of(owner_id: int) -> QuerySet[Account]:
    """The customer accounts of this owner."""
    return Account.objects.filter(owner=owner_id, kind=AccountKind.CUSTOMER)


def sees_all_accounts(user: Any) -> bool:
    """Whether the user is staff with the right, and no account is hidden from them."""
    return has_right(user, "accounts.view_account")


def _as_owner(user: Any) -> dict[str, int]:
    """The parameter of `_visible`: the user's id, or none for staff with the right."""
    return {} if sees_all_accounts(user) else {"owner_id": user.pk}


def _visible(*, owner_id: int | None = None) -> QuerySet[Account]:
    return Account.objects.all() if owner_id is None else accounts_of(owner_id)


def visible_account(user: Any, account_id: UUID) -> AccountRow:
    """One account visible to the user. Raises NotFound if it is missing or hidden."""
    owner = _as_owner(user)
    # A generic plan might read all accounts of the owner, who may have many.
    read = _one_account.unprepared if owner else _one_account
    for row in read(account_id=account_id, **owner):
        return AccountRow(*row)
    raise NotFound(f"There is no account {account_id}.")


@ShapedRead
def _one_account(*, account_id: UUID, **owner: int) -> QuerySet[Account, Any]:
    return _visible(**owner).filter(pk=account_id).order_by().values_list(*COLUMNS)


def ids_of_owner(owner_id: int) -> frozenset[UUID]:
    """The ids of this owner's customer accounts."""
    return frozenset(row[0] for row in _ids_of_owner(owner_id=owner_id))


@ShapedRead
def _ids_of_owner(*, owner_id: int) -> QuerySet[Account, Any]:
    return accounts_of(owner_id).order_by().values_list("pk")


def page_of_accounts(user: Any, condition: Q, ids: IdRange) -> PageById[AccountRow]:
    """Reads a page of the visible customer accounts that meet the condition, newest first."""
    owner = _as_owner(user)

    def fetch(*, after: UUID | None, backwards: bool, limit: int) -> list[AccountRow]:
        part = ids.beyond(after, backwards=backwards)
        values: dict[str, Any] = {"first": part.first, "end": part.end, **owner}
        if condition:
            rows = rows_of(_account_page(limit, backwards, condition, **values))
        elif owner or limit != USUAL_LIMIT:
            # A generic plan cannot tell how many accounts this owner has.
            rows = _plain_account_page.unprepared(limit, backwards, **values)
        else:
            rows = _plain_account_page(limit, backwards, **values)
        return [AccountRow(*row) for row in rows]

    return fetch


def _account_page(
    limit: int, backwards: bool, condition: Q = _ANY, *, first: UUID, end: UUID, **owner: int
) -> QuerySet[Account, Any]:
    accounts = _visible(**owner).filter(condition, kind=AccountKind.CUSTOMER)
    part = accounts.filter(id__gte=first, id__lt=end)
    return part.order_by("id" if backwards else "-id").values_list(*COLUMNS)[:limit]


_plain_account_page = ShapedRead(_account_page)


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
    found = known_currencies(wanted)
    if len(found) < len(wanted):
        raise NotFound(f"There is no account {min(wanted - found.keys())}.")
    return found


def known_currencies(account_ids: set[UUID]) -> dict[UUID, AccountCurrency]:
    """The currencies and owners of those that are customer accounts."""
    return {
        account_id: AccountCurrency(account_id, currency, owner, read_at)
        for account_id, currency, owner, read_at in _currencies(account_ids)
    }


def _currencies(account_ids: set[UUID]) -> Iterable[tuple[UUID, str, int | None, datetime]]:
    if not account_ids:
        return []
    if connection.vendor != "postgresql":
        rows = Account.objects.filter(pk__in=account_ids, kind=AccountKind.CUSTOMER)
        now = clock.now()
        return [(*row, now) for row in rows.values_list("id", "currency", "owner_id")]
    # Runs for each queued command: constant text, planned once.
    found = prepared_rows(_CURRENCIES, [array_of_ids(account_ids)])
    return [(*row, clock.as_told(at)) for *row, at in found]


def limit_requests() -> QuerySet[LimitRequest]:
    """All requests for overdraft limits, with the related rows that are shown."""
    return LimitRequest.objects.select_related(*holders("account"), "requested_by", "decided_by")


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


def user_id(username: str, *, pointer: str) -> int:
    """The id of an active user. Raises InvalidInput, at `pointer`, if there is no such user."""
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is None:
        raise InvalidInput(
            errors=[FieldError(pointer, "unknown_user", "There is no such active user.")]
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


def damaged_accounts() -> QuerySet[Account]:
    """Those in which a verification has found a broken rule, until a later one finds them sound."""
    return Account.objects.exclude(broken_rules="")
