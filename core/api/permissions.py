"""Rights, one class for each rule: staff have those of their groups, customers their accounts.

Roles are rights of staff: what a user who is not staff was granted by mistake counts for nothing
here.
"""

from typing import Any, ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


def has_right(user: Any, right: str) -> bool:
    """Whether a member of staff has the right (`app.codename`)."""
    return bool(user.is_staff and user.has_perm(right))


class StaffRight(BasePermission):
    """Base of the rules that a member of staff passes by a right of their groups.

    Who comes with a token needs the rule's scope besides. Who is logged in to the admin has none.
    """

    right: ClassVar[str]
    scope: ClassVar[str]

    def has_permission(self, request: Request, view: Any) -> bool:
        return self.is_in_scope(request) and has_right(request.user, self.right)

    def is_in_scope(self, request: Request) -> bool:
        if not request.user.is_authenticated:
            return False
        token: Any = request.auth
        return token is None or bool(token.allow_scopes([self.scope]))


class OwnerOrStaffRight(StaffRight):
    """A customer passes too: what they reach is narrowed to their own accounts."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        return self.is_in_scope(request) and (not user.is_staff or has_right(user, self.right))
