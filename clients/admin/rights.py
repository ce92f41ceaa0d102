"""Who may do what with API clients.

Whoever gives a client the rights of somebody else can act as that person, past the second pair of
eyes too. So no role creates clients; taking rights away is for supervisors, day and night.
"""

from typing import Any

from core.api.permissions import has_right

CREATE = "clients.manage_apiclient"
REVOKE = "clients.revoke_apiclient"


def may_create(user: Any) -> bool:
    """Superusers, and whoever was given the right by name."""
    return has_right(user, CREATE)


def may_revoke(user: Any) -> bool:
    """Supervisors, and whoever may create."""
    return has_right(user, REVOKE) or has_right(user, CREATE)
