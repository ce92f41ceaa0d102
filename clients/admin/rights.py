"""Who may do what with API clients.

Whoever gives a client the rights of somebody else can act as that person, past the second pair of
eyes too. So no role creates clients; taking rights away is for supervisors, day and night.
"""

from typing import Any

from core.api.permissions import has_right

CREATE = "clients.manage_apiclient"
REVOKE = "clients.revoke_apiclient"
ONLY_A_SUPERUSER = "Only a superuser lets a program act as other staff."


def may_create(user: Any) -> bool:
    """Superusers, and whoever was given the right by name."""
    return has_right(user, CREATE)


def may_let_act_as(creator: Any, user: Any) -> bool:
    """Whether the creator may give a program the rights of this user: their own, or a customer's;
    superusers, those of any other member of staff.
    """
    return not user.is_staff or user == creator or bool(creator.is_superuser)


def may_revoke(user: Any) -> bool:
    """Supervisors, and whoever may create."""
    return has_right(user, REVOKE) or has_right(user, CREATE)
