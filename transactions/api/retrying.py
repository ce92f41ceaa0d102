"""Retries within the rights of their user: for the API, the console and jobs."""

from typing import Any
from uuid import UUID

from django.conf import settings

from core.api.permissions import has_right
from transactions.api.permissions import CanApproveTransactions, CanReverseTransactions
from transactions.commands import Retry


def retry_by(
    user: Any,
    *,
    transaction_id: UUID,
    reason: str,
    queued: bool = False,
    seen_retry_count: int | None = None,
) -> Retry:
    """A retry on a user's behalf. Approvers may exceed the retry limit."""
    return Retry(
        transaction_id=transaction_id,
        reason=reason,
        limit=settings.RETRY_LIMIT,
        may_exceed_limit=has_right(user, CanApproveTransactions.right),
        may_reverse=has_right(user, CanReverseTransactions.right),
        queued=queued,
        seen_retry_count=seen_retry_count,
    )


def retry_by_job(user: Any, *, transaction_id: UUID, reason: str, queued: bool) -> Retry:
    """A retry by a job, for itself (`user` is None) or for a user. It keeps the limit."""
    return Retry(
        transaction_id=transaction_id,
        reason=reason,
        limit=settings.RETRY_LIMIT,
        may_reverse=user is None or has_right(user, CanReverseTransactions.right),
        queued=queued,
    )
