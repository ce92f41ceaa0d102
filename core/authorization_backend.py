"""Rights of staff, read in one statement."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet


class BankModelBackend(ModelBackend):
    """Django's users and rights, so that a token and what it may do take two statements together.

    ModelBackend reads the rights of a user and those of the user's groups one after the other.
    """

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_perm_cache"):
            granted = (
                _rights()
                if user_obj.is_superuser
                else _rights(user=user_obj).union(_rights(group__user=user_obj))
            )
            user_obj._perm_cache = {f"{app_label}.{name}" for app_label, name in granted}
        cached: set[str] = user_obj._perm_cache
        return cached


def _rights(**holder: Any) -> QuerySet[Permission, tuple[str, str]]:
    """App and name of each right of the holder; of all rights without one."""
    rights = Permission.objects.filter(**holder).order_by()
    return rights.values_list("content_type__app_label", "codename")
