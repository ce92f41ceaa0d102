"""Permissions on uploaded files, for staff only."""

from core.api.permissions import StaffRight
from transactions.api.permissions import CanPostTransactions

VIEW_RIGHT = "desk.view_deskfile"
UPLOAD_RIGHT = CanPostTransactions.right
DECIDE_RIGHT = "transactions.approve_transaction"
REVERSE_RIGHT = "transactions.reverse_transaction"


class CanReadFiles(StaffRight):
    right = VIEW_RIGHT
    scope = "transactions:read"


class CanUploadFiles(StaffRight):
    right = UPLOAD_RIGHT
    scope = "transactions:write"


class CanDecideOnFiles(StaffRight):
    right = DECIDE_RIGHT
    scope = "transactions:write"


class CanReverseFiles(StaffRight):
    right = REVERSE_RIGHT
    scope = "transactions:write"
