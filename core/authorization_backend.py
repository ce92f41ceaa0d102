"""Rights of staff, read in one statement."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db import connection

from core.sql.cursors import prepared_rows

# The rights of a user as `app.codename`: their own and those of their groups. A superuser has all.
_RIGHTS = """
    SELECT kind.app_label || '.' || granted.codename AS name
    FROM auth_permission AS granted
    JOIN django_content_type AS kind ON kind.id = granted.content_type_id
    WHERE holder.is_superuser OR granted.id IN (
        SELECT own.permission_id FROM auth_user_user_permissions AS own
        WHERE own.user_id = holder.id
        UNION ALL
        SELECT shared.permission_id FROM auth_user_groups AS membership
        JOIN auth_group_permissions AS shared ON shared.group_id = membership.group_id
        WHERE membership.user_id = holder.id)"""


def rights_column() -> str:
    """SQL of one value: all rights of the row `holder` of auth_user, for `rights_in`."""
    if connection.vendor == "postgresql":
        return f"ARRAY({_RIGHTS})"
    return f"(SELECT json_group_array(name) FROM ({_RIGHTS}))"  # noqa: S608 - by code


def rights_in(value: Sequence[str] | str) -> set[str]:
    """The rights in a value of `rights_column`."""
    return set(json.loads(value) if isinstance(value, str) else value)


class BankModelBackend(ModelBackend):
    """Django's backend, but it reads all rights of a user in one statement.

    ModelBackend reads the user's own rights and those of the groups one after the other. For a
    token, `clients.tokens` has read the rights together with the token.
    """

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "bank_rights"):
            remember_rights(user_obj, _rights_of(user_obj.pk))
        rights: set[str] = user_obj.bank_rights
        return rights


def remember_rights(user: Any, rights: set[str]) -> None:
    """Caches the rights on this instance, which lives for one request."""
    user.bank_rights = rights


def _rights_of(user_id: int) -> set[str]:
    rows = prepared_rows(
        f"SELECT {rights_column()} FROM auth_user AS holder WHERE holder.id = %s",  # noqa: S608
        [user_id],
    )
    return rights_in(rows[0][0]) if rows else set()
