"""Who may do what with transactions."""

from core.api.permissions import OwnerOrStaffRight, StaffRight


class CanReadTransactions(OwnerOrStaffRight):
    right = "transactions.view_transaction"
    scope = "transactions:read"


class CanPostTransactions(StaffRight):
    """Deposits and withdrawals."""

    right = "transactions.post_transaction"
    scope = "transactions:write"


class CanTransfer(OwnerOrStaffRight):
    """Staff from any account, customers from their own."""

    right = "transactions.post_transaction"
    scope = "transactions:write"
