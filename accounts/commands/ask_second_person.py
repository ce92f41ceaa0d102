"""Store a change of limits for a second person to decide, instead of making it."""

from datetime import datetime
from typing import Any

from accounts.commands.base import record_event
from accounts.models import Account, LimitRequest
from accounts.states import AccountEventType, LimitRequestStatus
from core.commands import Origin
from core.errors import InvalidTransition
from core.identifiers import uuid7


def ask_second_person(
    account: Account,
    event: AccountEventType,
    origin: Origin,
    now: datetime,
    *,
    reason: str,
    before: dict[str, Any],
    after: dict[str, Any],
    **asked: Any,
) -> Account:
    """Stores the request and its event under the account's lock, and returns the unchanged account.

    Its `asked_limit_id` is the request. `asked` are columns of the request. Raises
    InvalidTransition if another request of the account is waiting.
    """
    waiting = LimitRequest.objects.filter(account=account, status=LimitRequestStatus.PENDING)
    if waiting.exists():
        raise InvalidTransition(
            "A request for another limit is waiting: reject that request first."
        )
    asked.setdefault("overdraft_limit", account.overdraft_limit)
    request = LimitRequest.objects.create(
        id=uuid7(now),
        account=account,
        limit_before=account.overdraft_limit,
        reason=reason,
        requested_by_id=origin.user_id,
        created_at=now,
        **asked,
    )
    record_event(account, event, origin, now, reason=reason, before=before, after=after)
    account.asked_limit_id = request.pk
    return account
