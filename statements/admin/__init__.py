"""Admin pages of statements, and their buttons on the page of an account."""

from statements.admin.account import StatedAccountAdmin
from statements.admin.statement import StatementAdmin

__all__ = ["StatedAccountAdmin", "StatementAdmin"]
