"""Permissions on webhooks. Customers have their own."""

from typing import Any

from rest_framework.request import Request

from core.api.permissions import OwnerOrStaffRight
from events.permissions import CanReadEvents


class CanReadWebhooks(OwnerOrStaffRight):
    right = "webhooks.view_endpoint"
    scope = "webhooks:read"


class CanManageWebhooks(OwnerOrStaffRight):
    """A webhook tells what the feed tells, so who makes one must be allowed to read the feed."""

    right = "webhooks.manage_endpoint"
    scope = "webhooks:write"

    def has_permission(self, request: Request, view: Any) -> bool:
        allowed = super().has_permission(request, view)
        return allowed and CanReadEvents().has_permission(request, view)
