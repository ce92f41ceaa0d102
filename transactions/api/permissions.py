"""Permissions on transactions."""

from core.api.permissions import OwnerOrStaffRight, StaffRight


class CanReadTransactions(OwnerOrStaffRight):
    right = "transactions.view_transaction"
    scope = "transactions:read"


class CanReadHolds(OwnerOrStaffRight):
    right = "transactions.view_hold"
    scope = "transactions:read"


class CanReadStatistics(StaffRight):
    """Numbers of the whole bank: for those who may read all of it."""

    right = "transactions.view_transaction"
    scope = "transactions:read"


class CanReadNotes(StaffRight):
    """Notes are between members of staff, and not for customers."""

    right = "transactions.view_note"
    scope = "notes:read"


class CanWriteNotes(StaffRight):
    right = "transactions.write_note"
    scope = "notes:write"


class CanPostTransactions(StaffRight):
    """Deposits and withdrawals; holds, and what becomes of them."""

    right = "transactions.post_transaction"
    scope = "transactions:write"


class CanRetryTransactions(StaffRight):
    """Retrying and cancelling."""

    right = "transactions.retry_transaction"
    scope = "transactions:write"


class CanReverseTransactions(StaffRight):
    right = "transactions.reverse_transaction"
    scope = "transactions:write"


class CanApproveTransactions(StaffRight):
    """Approving and rejecting; and retrying beyond the limit."""

    right = "transactions.approve_transaction"
    scope = "transactions:write"


class CanTransfer(OwnerOrStaffRight):
    """Staff from any account, customers from their own."""

    right = "transactions.post_transaction"
    scope = "transactions:write"
