"""Permissions, one class per rule: staff have their groups' rights, customers their accounts.

Rights count for staff only. A right granted to any other user by mistake has no effect here.
"""

from typing import Any, ClassVar

from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

from core.errors import MissingScope


def has_right(user: Any, right: str) -> bool:
    """Whether a member of staff has the right (`app.codename`)."""
    return bool(user.is_staff and user.has_perm(right))


def only_reads(user: Any) -> bool:
    """Whether the user can write nothing: staff with rights to look only. Customers can pay."""
    words = (right.partition(".")[2] for right in user.get_all_permissions())
    return bool(user.is_staff and all(word.startswith(("view_", "read_")) for word in words))


class StaffRight(BasePermission):
    """Base of the rules that a member of staff passes by a right of their groups.

    A request with a token also needs the rule's scope, or gets MissingScope. A session of the admin
    has no scopes and needs none.
    """

    right: ClassVar[str]
    scope: ClassVar[str]

    def has_permission(self, request: Request, view: Any) -> bool:
        return self.is_in_scope(request) and has_right(request.user, self.right)

    def is_in_scope(self, request: Request) -> bool:
        if not request.user.is_authenticated:
            return False
        token: Any = request.auth
        if token is not None and not token.allow_scopes([self.scope]):
            raise MissingScope(self.scope)
        return True


class OwnerOrStaffRight(StaffRight):
    """Customers pass too; the view narrows them to their own accounts."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        return self.is_in_scope(request) and (not user.is_staff or has_right(user, self.right))


def passes(rule: type[StaffRight], request: Request, view: Any) -> bool:
    """Whether the request may also do what this rule guards. Raises nothing."""
    try:
        return rule().has_permission(request, view)
    except MissingScope:
        return False


class RuleOfEachAction:
    """For viewsets: `permission_by_action` names the one rule of each route.

    A method that a route does not have needs no right: any authenticated caller gets 405.
    """

    permission_by_action: ClassVar[dict[str, type[BasePermission]]]

    def get_permissions(self) -> list[BasePermission]:
        rule = self.permission_by_action.get(getattr(self, "action", None) or "", IsAuthenticated)
        return [rule()]
