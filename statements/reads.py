"""Who sees which statements, and how they look in the API."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.selectors import visible_account, visible_accounts
from core.api.fields import rfc_3339
from core.errors import NotFound
from core.money import format_amount
from statements.models import Statement


def visible_statement(user: Any, statement_id: UUID) -> Statement:
    """A statement of an account that the user may see, with what its documents need.

    Raises NotFound if it is missing or hidden.
    """
    rows = Statement.objects.select_related("account__customer", "previous")
    found = rows.filter(pk=statement_id, account__in=visible_accounts(user).values("pk")).first()
    if found is None:
        raise NotFound(f"There is no statement {statement_id}.")
    return found


class StatementsOfAccount:
    """The statements of an account that the user may see, newest first, a page at a time."""

    def __init__(self, user: Any, account_id: UUID) -> None:
        """Raises NotFound if the account is missing or hidden."""
        self._account_id = visible_account(user, account_id).id

    def __call__(self, *, after: int | None, backwards: bool, limit: int) -> Sequence[Statement]:
        """Up to `limit` statements after the number `after`, with `backwards` before it."""
        rows = Statement.objects.filter(account=self._account_id)
        if after is not None:
            rows = rows.filter(number__gt=after) if backwards else rows.filter(number__lt=after)
        ordered = rows.order_by("number" if backwards else "-number")
        return list(ordered.select_related("account", "previous")[:limit])


def check_url(request: Any, statement: Statement) -> str:
    """The address at which anyone may check the statement's digest.

    It begins with BANK_PUBLIC_URL, so that a document is the same by whatever host it was asked
    for; without this setting, with the host of the request.
    """
    path = reverse("verify", args=[statement.digest])
    if settings.NAMED_PUBLIC_URL:
        return f"{settings.NAMED_PUBLIC_URL}{path}"
    url: str = request.build_absolute_uri(path)
    return url


def represent(statement: Statement) -> dict[str, Any]:
    """The members of `StatementSerializer`."""
    currency = statement.currency
    return {
        "statement_id": str(statement.pk),
        "account_id": str(statement.account_id),
        "account_number": statement.account.number,
        "currency": currency,
        "number": statement.number,
        "period": statement.period,
        "from": rfc_3339(statement.starts_at),
        "to": rfc_3339(statement.ends_at),
        "time_zone": statement.time_zone,
        "first_sequence": statement.first_sequence,
        "last_sequence": statement.last_sequence,
        "count": statement.count,
        "opening_balance": format_amount(statement.opening_balance, currency),
        "total_debits": format_amount(statement.total_debits, currency),
        "total_credits": format_amount(statement.total_credits, currency),
        "closing_balance": format_amount(statement.closing_balance, currency),
        "digest": statement.digest,
        "previous_digest": statement.previous.digest if statement.previous else None,
        "issued_at": rfc_3339(statement.issued_at),
    }
