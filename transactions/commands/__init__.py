"""The business operations on the journal and on what it concerns, one file each."""

from transactions.commands.add_note import AddNote
from transactions.commands.decisions import Approve, Cancel, Decision, Reject, Retry
from transactions.commands.deposit import Deposit
from transactions.commands.forget_customer import ForgetCustomer
from transactions.commands.reverse import Reversal, Reverse
from transactions.commands.transfer import Transfer
from transactions.commands.withdraw import Withdraw
from transactions.ledger.command import MoneyCommand

__all__ = [
    "AddNote",
    "Approve",
    "Cancel",
    "Decision",
    "Deposit",
    "ForgetCustomer",
    "MoneyCommand",
    "Reject",
    "Retry",
    "Reversal",
    "Reverse",
    "Transfer",
    "Withdraw",
]
