"""Permissions on accounts."""

from core.api.permissions import OwnerOrStaffRight, StaffRight


class CanReadAccounts(OwnerOrStaffRight):
    right = "accounts.view_account"
    scope = "accounts:read"


class CanSeeLimitRequests(StaffRight):
    """The right to see limit requests, which are between members of staff and not for customers."""

    right = "accounts.view_account"
    scope = "accounts:read"


class CanOpenAccounts(StaffRight):
    """The right to open accounts, and to make clerical changes: name and metadata."""

    right = "accounts.open_account"
    scope = "accounts:write"


class CanManageAccounts(StaffRight):
    """The right to freeze, unfreeze and close accounts, and to set overdraft limits."""

    right = "accounts.manage_account"
    scope = "accounts:write"
