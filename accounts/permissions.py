"""Permissions on accounts."""

from core.api.permissions import OwnerOrStaffRight, StaffRight


class CanReadAccounts(OwnerOrStaffRight):
    right = "accounts.view_account"
    scope = "accounts:read"


class CanSeeLimitRequests(StaffRight):
    """Requests between members of staff are hidden from customers."""

    right = "accounts.view_account"
    scope = "accounts:read"


class CanOpenAccounts(StaffRight):
    """Opening accounts, and clerical changes: name and metadata."""

    right = "accounts.open_account"
    scope = "accounts:write"


class CanManageAccounts(StaffRight):
    """Freezing, unfreezing, closing, overdraft limits."""

    right = "accounts.manage_account"
    scope = "accounts:write"
