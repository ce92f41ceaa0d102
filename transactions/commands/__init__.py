"""The business operations on the journal and on what it concerns, one file each."""

from transactions.commands.add_note import AddNote
from transactions.commands.capture import Capture
from transactions.commands.decisions import Approve, Cancel, Decision, Reject, Retry
from transactions.commands.deposit import Deposit
from transactions.commands.forget_customer import ForgetCustomer
from transactions.commands.holds import ExpireHold, PlaceHold, VoidHold
from transactions.commands.reverse import Reversal, Reverse
from transactions.commands.transfer import Transfer
from transactions.commands.withdraw import Withdraw
from transactions.ledger.command import MoneyCommand

__all__ = [
    "AddNote",
    "Approve",
    "Cancel",
    "Capture",
    "Decision",
    "Deposit",
    "ExpireHold",
    "ForgetCustomer",
    "MoneyCommand",
    "PlaceHold",
    "Reject",
    "Retry",
    "Reversal",
    "Reverse",
    "Transfer",
    "VoidHold",
    "Withdraw",
]
