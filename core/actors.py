"""The actor of a management command: a member of staff, with the same rights as in the API."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from core.api.permissions import has_right
from core.commands import Origin
from core.results import WRONG_USE


def add_actor(parser: ArgumentParser, right: str) -> None:
    """Adds `--actor` to a command. `right` names the required right in words."""
    parser.add_argument(
        "--actor",
        metavar="USERNAME",
        help=f"the member of staff who asked for this, with the right {right}",
    )


def origin_of_actor(username: str | None, *, right: str, caller: str) -> Origin:
    """The origin of a job on behalf of this user; without a name, of a job without a user.

    Raises CommandError, with exit code 2, unless the user is an active member of staff with the
    right.
    """
    actor = find_actor(username, may=lambda user: has_right(user, right), right=right)
    return Origin(user_id=actor.pk if actor else None, caller=caller)


def find_actor(username: str | None, *, may: Callable[[Any], bool], right: str) -> Any:
    """The user with this name, or None without a name.

    Raises CommandError, with exit code 2, unless the user is an active member of staff for whom
    `may` holds; the message names the missing `right`.
    """
    if username is None:
        return None
    user = get_user_model().objects.filter(username=username, is_active=True, is_staff=True).first()
    if user is None:
        raise CommandError(f"There is no active member of staff {username}.", returncode=WRONG_USE)
    if not may(user):
        raise CommandError(f"{username} has no right to do this ({right}).", returncode=WRONG_USE)
    return user


def is_superuser(user: Any) -> bool:
    """The value of `may` for operations that no role covers."""
    return bool(user.is_superuser)
