"""Admin pages of accounts and their audit log."""

from accounts.admin.account import AccountAdmin
from accounts.admin.account_event import AccountEventAdmin
from accounts.admin.limit_request import LimitRequestAdmin

__all__ = ["AccountAdmin", "AccountEventAdmin", "LimitRequestAdmin"]
