"""`manage.py encrypt_authenticators`: encrypts authenticators' keys by the current secret key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from core.results import add_json, write_result
from staff import keys
from staff.models import Authenticator


class Command(BaseCommand):
    help = (
        "Encrypts the keys of all authenticators with DJANGO_SECRET_KEY: those that an earlier"
        " release kept in clear, and those under one of DJANGO_SECRET_KEY_FALLBACKS."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--decrypt",
            action="store_true",
            help="keep them in clear, for going back to a release before 1.1",
        )
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with the users of unreadable keys. Those keys stay unchanged."""
        done, unreadable = 0, []
        with transaction.atomic():
            for device in Authenticator.objects.select_for_update().select_related(None):
                try:
                    key = keys.decrypted(device.key, user_id=device.user_id)
                except keys.UnreadableKey:
                    unreadable.append(device.user.get_username())
                    continue
                if not options["decrypt"]:
                    key = keys.encrypted(key, user_id=device.user_id)
                done += Authenticator.objects.filter(pk=device.pk).update(key=key)
        word = "in clear" if options["decrypt"] else "encrypted"
        write_result(
            self.stdout,
            {"decrypted" if options["decrypt"] else "encrypted": done},
            [f"Keys of authenticators {word}: {done}."],
            as_json=options["json"],
        )
        if unreadable:
            names = ", ".join(sorted(unreadable))
            raise CommandError(
                f"No secret key reads the authenticator of: {names}. Name the old key in"
                " DJANGO_SECRET_KEY_FALLBACKS, or run reset_authenticator for them."
            )
