"""Who asks for what a management command does: a member of staff, with the rights of the API."""

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from core.api.permissions import has_right
from core.commands import Origin

WRONG_USE = 2


def origin_of_actor(username: str | None, *, right: str, caller: str) -> Origin:
    """The origin of a job that this user asks for, or, without a name, that nobody does.

    Raises CommandError, with exit code 2, unless it is an active member of staff with the right.
    """
    if username is None:
        return Origin(caller=caller)
    user = get_user_model().objects.filter(username=username, is_active=True, is_staff=True).first()
    if user is None:
        raise CommandError(f"There is no active member of staff {username}.", returncode=WRONG_USE)
    if not has_right(user, right):
        raise CommandError(f"{username} has no right to do this ({right}).", returncode=WRONG_USE)
    return Origin(user_id=user.pk, caller=caller)
