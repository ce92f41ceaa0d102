"""The business operations that move money, one file each."""

from transactions.commands.decisions import Approve, Cancel, Decision, Reject, Retry
from transactions.commands.deposit import Deposit
from transactions.commands.reverse import Reversal, Reverse
from transactions.commands.transfer import Transfer
from transactions.commands.withdraw import Withdraw
from transactions.ledger.command import MoneyCommand

__all__ = [
    "Approve",
    "Cancel",
    "Decision",
    "Deposit",
    "MoneyCommand",
    "Reject",
    "Retry",
    "Reversal",
    "Reverse",
    "Transfer",
    "Withdraw",
]
