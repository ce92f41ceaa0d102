"""The business operations that move money, one file each."""

from transactions.commands.base import MoneyCommand, Posting, check
from transactions.commands.deposit import Deposit
from transactions.commands.transfer import Transfer
from transactions.commands.withdraw import Withdraw

__all__ = ["Deposit", "MoneyCommand", "Posting", "Transfer", "Withdraw", "check"]
