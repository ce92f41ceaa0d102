"""`manage.py reset_authenticator`: for a member of staff whose phone is lost."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from staff.authenticators import reset


class Command(BaseCommand):
    help = (
        "Takes a user's authenticator and backup codes away and ends the user's sessions. At the"
        " next login the user sets up a new one. Make sure first who is asking."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *, username: str, **_: Any) -> None:
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}.")
        reset(user, by="job:reset_authenticator")
        self.stdout.write(f"{username} has no authenticator any more.")
