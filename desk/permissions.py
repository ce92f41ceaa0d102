"""Rights on uploaded files. All are of staff."""

from transactions.api.permissions import CanPostTransactions

UPLOAD_RIGHT = CanPostTransactions.right
DECIDE_RIGHT = "transactions.approve_transaction"
REVERSE_RIGHT = "transactions.reverse_transaction"
