"""`manage.py create_api_client`: a new REST client; its secret is shown once."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.admin.models import ADDITION
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from clients.admin.rights import CREATE, ONLY_A_SUPERUSER, may_create, may_let_act_as
from clients.models import ApiClient
from clients.registry import create_client, rights_in_words
from clients.scopes import SCOPES
from core.actors import add_actor, find_actor
from core.results import WRONG_USE, add_json, write_result
from core.staff_log import record


class Command(BaseCommand):
    help = "Creates an OAuth2 client that acts as a user. Prints its secret, which is not kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="description of the client")
        parser.add_argument(
            "--user", required=True, help="name of the user whose rights the client has"
        )
        parser.add_argument(
            "--scopes",
            nargs="+",
            default=list(SCOPES),
            metavar="SCOPE",
            help=f"permitted scopes of its tokens: {', '.join(SCOPES)} (default: all)",
        )
        add_actor(parser, "to create clients")
        add_json(parser)

    def handle(
        self,
        *,
        name: str,
        user: str,
        scopes: list[str],
        actor: str | None,
        json: bool,
        **_: Any,
    ) -> None:
        creator = find_actor(actor, may=may_create, right=CREATE)
        owner = get_user_model().objects.filter(username=user, is_active=True).first()
        if owner is None:
            raise CommandError(f"There is no active user {user}.", returncode=WRONG_USE)
        if creator and not may_let_act_as(creator, owner):
            raise CommandError(ONLY_A_SUPERUSER, returncode=WRONG_USE)
        # Scopes are separate words, or one word with blanks (RFC 6749, section 3.3).
        scopes = " ".join(scopes).split()
        try:
            client, secret = _create(name, owner, scopes, creator)
        except ValidationError as error:
            raise CommandError(error.messages[0]) from error
        write_result(
            self.stdout,
            {"client_id": client.client_id, "client_secret": secret},
            [_as_text(client, secret)],
            as_json=json,
        )


@transaction.atomic
def _create(name: str, owner: Any, scopes: list[str], creator: Any) -> tuple[ApiClient, str]:
    """The new client and its secret. Raises ValidationError as `create_client` does."""
    client, secret = create_client(name, user=owner, scopes=scopes)
    if creator:
        record(creator.pk, client, client.name, ADDITION, rights_in_words(client))
    return client, secret


def _as_text(client: Any, secret: str) -> str:
    return (
        f"client_id      {client.client_id}\n"
        f"client_secret  {secret}\n"
        f"acts as        {client.user.get_username()}\n"
        f"scopes         {' '.join(client.scopes)}\n"
        "The secret is shown once and kept as a digest only."
    )
