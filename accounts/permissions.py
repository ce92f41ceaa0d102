"""Who may do what with accounts."""

from core.api.permissions import OwnerOrStaffRight, StaffRight


class CanReadAccounts(OwnerOrStaffRight):
    right = "accounts.view_account"
    scope = "accounts:read"


class CanSeeLimitRequests(StaffRight):
    """What staff ask of each other is not for customers."""

    right = "accounts.view_account"
    scope = "accounts:read"


class CanOpenAccounts(StaffRight):
    """Opening, and the clerical changes: name and metadata."""

    right = "accounts.open_account"
    scope = "accounts:write"


class CanManageAccounts(StaffRight):
    """Freezing, unfreezing, closing, overdraft limits."""

    right = "accounts.manage_account"
    scope = "accounts:write"
