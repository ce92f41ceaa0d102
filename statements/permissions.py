"""Permissions on statements."""

from core.api.permissions import OwnerOrStaffRight

# Issuing is for supervisors, by the console and by jobs.
ISSUE_RIGHT = "statements.issue_statement"


class CanReadStatements(OwnerOrStaffRight):
    """Customers see those of their own accounts."""

    right = "statements.view_statement"
    scope = "statements:read"
