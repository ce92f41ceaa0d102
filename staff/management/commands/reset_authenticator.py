"""`manage.py reset_authenticator`: for a member of staff who has lost their phone."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.admin.models import CHANGE
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from core.actors import add_actor, find_actor, is_superuser
from core.results import WRONG_USE, add_json, write_result
from core.staff_log import record
from staff.authenticators import reset


class Command(BaseCommand):
    help = (
        "Removes a user's authenticator and backup codes and ends the user's sessions. The user"
        " sets up a new one at the next login. First make sure who is asking."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        add_actor(parser, "of a superuser")
        add_json(parser)

    def handle(self, *, username: str, actor: str | None, json: bool, **_: Any) -> None:
        asker = find_actor(actor, may=is_superuser, right="superuser")
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}.", returncode=WRONG_USE)
        if user == asker:
            raise CommandError("Nobody may reset their own authenticator.", returncode=WRONG_USE)
        with transaction.atomic():
            reset(user, by=f"user:{asker.pk}" if asker else "job:reset_authenticator")
            if asker:
                record(asker.pk, user, str(user), CHANGE, "Reset the authenticator.")
        words = [f"{username} has no authenticator any more."]
        write_result(self.stdout, {"username": username}, words, as_json=json)
