"""Commands on a customer's record. `accounts.commands` has those that concern accounts too."""

from customers.commands.base import CustomerCommand
from customers.commands.change import ChangeCustomer
from customers.commands.expect import ExpectCustomer
from customers.commands.register import RegisterCustomer
from customers.commands.reopen import ReopenCustomer

__all__ = [
    "ChangeCustomer",
    "CustomerCommand",
    "ExpectCustomer",
    "RegisterCustomer",
    "ReopenCustomer",
]
