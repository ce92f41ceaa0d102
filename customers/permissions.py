"""Permissions on customers."""

from core.api.permissions import OwnerOrStaffRight, StaffRight


class CanReadCustomers(OwnerOrStaffRight):
    """Customers pass too: the selectors narrow them to their own record."""

    right = "customers.view_customer"
    scope = "customers:read"


class CanRegisterCustomers(StaffRight):
    """The right to register customers, and to change their details."""

    right = "customers.register_customer"
    scope = "customers:write"


class CanManageCustomers(StaffRight):
    """The right to give customers a user, and to close and reopen them."""

    right = "customers.manage_customer"
    scope = "customers:write"
