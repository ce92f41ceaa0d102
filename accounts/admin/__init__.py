"""Admin pages of accounts, customers and their audit logs."""

from accounts.admin.account import AccountAdmin
from accounts.admin.account_event import AccountEventAdmin
from accounts.admin.customer import CustomerAdmin, CustomerEventAdmin
from accounts.admin.limit_request import LimitRequestAdmin

__all__ = [
    "AccountAdmin",
    "AccountEventAdmin",
    "CustomerAdmin",
    "CustomerEventAdmin",
    "LimitRequestAdmin",
]
