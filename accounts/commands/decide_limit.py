"""Decide on a limit that waits for a second person: approve or reject it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from accounts.commands.base import (
    AccountCommand,
    newest_event_at,
    put_after,
    record_event,
    snapshot,
)
from accounts.commands.change_limits import LIMITS, ChangeLimits, wanted_limits
from accounts.commands.change_overdraft_limit import ChangeOverdraftLimit
from accounts.models import Account, LimitRequest
from accounts.states import AccountEventType, LimitRequestStatus
from core.commands import Origin
from core.errors import InvalidTransition, NotFound, SelfApproval
from core.money import format_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitDecision(AccountCommand):
    """Base of both decisions. The lock of the account protects its requests too.

    Raises NotFound, and InvalidTransition if the request is already decided.
    """

    columns: ClassVar[tuple[str, ...]] = ("overdraft_limit",)

    request_id: UUID

    def waiting(self) -> LimitRequest:
        requests = LimitRequest.objects.filter(pk=self.request_id, account_id=self.account_id)
        with_event = requests.annotate(newest_event_at=newest_event_at("account_id"))
        request = with_event.select_related("account").first()
        if request is None:
            raise NotFound(f"There is no request {self.request_id}.")
        if request.status != LimitRequestStatus.PENDING:
            raise InvalidTransition(f"The request is {request.status} already.")
        put_after(request.account, request.newest_event_at)
        return request

    def decide(
        self, request: LimitRequest, status: LimitRequestStatus, origin: Origin, now: datetime
    ) -> None:
        request.status = status
        request.decided_by_id = origin.user_id
        request.decided_at = max(now, request.created_at)
        request.decision_reason = self.reason
        request.save(update_fields=["status", "decided_by", "decided_at", "decision_reason"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveLimit(LimitDecision):
    """Sets the requested limits. Only someone other than the requester may approve it (four eyes).

    Raises SelfApproval for the requester, superusers included; InvalidTransition if they have
    changed since; and the errors of ChangeOverdraftLimit or ChangeLimits.
    """

    verb: ClassVar[str] = "approve overdraft limit"
    event: ClassVar[AccountEventType] = AccountEventType.OVERDRAFT_LIMIT_CHANGED

    def apply(self, origin: Origin, now: datetime) -> Account:
        request = self.waiting()
        if origin.user_id is None or origin.user_id == request.requested_by_id:
            raise SelfApproval("Nobody decides on their own request.")
        account = request.account
        if has_changed(request):
            raise InvalidTransition("The limit has changed since the request: request it again.")
        self.decide(request, LimitRequestStatus.APPROVED, origin, now)
        if request.limits is not None:
            wanted = wanted_limits(request.limits["after"])
            limits = ChangeLimits(account_id=account.pk, reason=request.reason, **wanted)
            return limits.set_on(account, origin, now)
        # Gives the limit the currency's digits, as in the request: the column has more digits.
        limit = Decimal(format_amount(request.overdraft_limit, account.currency))
        change = ChangeOverdraftLimit(
            account_id=account.pk, overdraft_limit=limit, reason=request.reason
        )
        return change.set_on(account, origin, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectLimit(LimitDecision):
    """Leaves the limit unchanged. The requester may also reject the request, to withdraw it."""

    verb: ClassVar[str] = "reject overdraft limit"
    event: ClassVar[AccountEventType] = AccountEventType.OVERDRAFT_LIMIT_REJECTED

    def apply(self, origin: Origin, now: datetime) -> Account:
        request = self.waiting()
        self.decide(request, LimitRequestStatus.REJECTED, origin, now)
        account = request.account
        event, columns = self.event, self.columns
        before = {"overdraft_limit": format_amount(request.overdraft_limit, account.currency)}
        if request.limits is not None:
            event, columns, before = (
                AccountEventType.LIMITS_REJECTED,
                LIMITS,
                request.limits["after"],
            )
        after = snapshot(account, columns)
        record_event(account, event, origin, now, reason=self.reason, before=before, after=after)
        return account


def has_changed(request: LimitRequest) -> bool:
    """Whether the account's limits are other ones than at the request."""
    account = request.account
    if request.limits is not None:
        return bool(snapshot(account, LIMITS) != request.limits["before"])
    return bool(account.overdraft_limit != request.limit_before)
