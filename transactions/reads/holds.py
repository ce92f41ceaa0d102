"""Reads of holds, newest first."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.selectors import accounts_of
from core.api.permissions import has_right
from core.errors import NotFound
from transactions.models import Hold, HoldCapture


def sees_all_holds(user: Any) -> bool:
    """Whether the user sees other people's holds too."""
    return has_right(user, "transactions.view_hold")


def visible_holds(user: Any) -> QuerySet[Hold]:
    """The holds visible to the user: all for staff with the right, else those of own accounts."""
    if sees_all_holds(user):
        return Hold.objects.all()
    return Hold.objects.filter(account__in=accounts_of(user.pk))


def visible_hold(user: Any, hold_id: UUID) -> Hold:
    """One hold with its captures, oldest first. Raises NotFound if it is missing or hidden."""
    captures = HoldCapture.objects.select_related("transaction").order_by("pk")
    holds = visible_holds(user).prefetch_related(Prefetch("captures", captures))
    hold = holds.filter(pk=hold_id).first()
    if hold is None:
        raise NotFound(f"There is no hold {hold_id}.")
    return hold
