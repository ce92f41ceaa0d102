"""`manage.py create_api_client`: a new REST client; its secret is shown once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from clients.registry import create_client
from clients.scopes import SCOPES


class Command(BaseCommand):
    help = "Creates an OAuth2 client that acts as a user. Prints its secret, which is not kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the client is, in words")
        parser.add_argument("--user", required=True, help="user name whose rights it has")
        parser.add_argument(
            "--scopes",
            nargs="+",
            default=list(SCOPES),
            metavar="SCOPE",
            help=f"what its tokens may be good for: {', '.join(SCOPES)} (default: all)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def handle(self, *, name: str, user: str, scopes: list[str], json: bool, **_: Any) -> None:
        owner = get_user_model().objects.filter(username=user, is_active=True).first()
        if owner is None:
            raise CommandError(f"There is no active user {user}.")
        # As words of their own, or in one word with blanks, as RFC 6749, section 3.3 writes them.
        scopes = " ".join(scopes).split()
        try:
            client, secret = create_client(name, user=owner, scopes=scopes)
        except ValidationError as error:
            raise CommandError(error.messages[0]) from error
        self.stdout.write(_as_json(client.client_id, secret) if json else _as_text(client, secret))


def _as_json(client_id: str, secret: str) -> str:
    return json.dumps({"client_id": client_id, "client_secret": secret})


def _as_text(client: Any, secret: str) -> str:
    return (
        f"client_id      {client.client_id}\n"
        f"client_secret  {secret}\n"
        f"acts as        {client.user.get_username()}\n"
        f"scopes         {' '.join(client.scopes)}\n"
        "The secret is shown once and kept as a digest only."
    )
