"""Permissions on API clients.

A user who can create a client for somebody else can act as that person, and so bypass the four-eyes
rule. So no role may create clients. Supervisors may revoke them at any time.
"""

from typing import Any

from core.api.permissions import has_right

CREATE = "clients.manage_apiclient"
REVOKE = "clients.revoke_apiclient"
ONLY_A_SUPERUSER = "Only a superuser may let a program act as other staff."


def may_create(user: Any) -> bool:
    """Whether this is a superuser, or a user who was granted the right individually."""
    return has_right(user, CREATE)


def may_let_act_as(creator: Any, user: Any) -> bool:
    """Whether the creator may give a program the rights of this user.

    The creator and customers are allowed; for a superuser, so is any other member of staff.
    """
    return not user.is_staff or user == creator or bool(creator.is_superuser)


def may_revoke(user: Any) -> bool:
    """Whether this is a supervisor, or a user who may create clients."""
    return has_right(user, REVOKE) or has_right(user, CREATE)
