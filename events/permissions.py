"""Permissions on the feed."""

from core.api.permissions import OwnerOrStaffRight


class CanReadEvents(OwnerOrStaffRight):
    """Customers see events of their own accounts and transactions."""

    right = "transactions.view_transaction"
    scope = "events:read"
