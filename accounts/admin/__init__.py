"""Accounts and the audit log of what staff did to them, for staff to read."""

from accounts.admin.account import AccountAdmin
from accounts.admin.account_event import AccountEventAdmin

__all__ = ["AccountAdmin", "AccountEventAdmin"]
