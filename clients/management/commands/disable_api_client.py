"""`manage.py disable_api_client`: locks out a client whose secret or token has leaked."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.admin.models import CHANGE
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from clients.admin.rights import REVOKE, may_revoke
from clients.models import ApiClient
from clients.registry import revoke_client
from core.actors import add_actor, find_actor
from core.results import WRONG_USE, add_json, write_result
from core.staff_log import record


class Command(BaseCommand):
    help = "Switches an OAuth2 client off and deletes its tokens. Its record and history stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id")
        add_actor(parser, "to revoke clients")
        add_json(parser)

    def handle(self, *, client_id: str, actor: str | None, json: bool, **_: Any) -> None:
        revoker = find_actor(actor, may=may_revoke, right=REVOKE)
        client = ApiClient.objects.filter(client_id=client_id).first()
        if client is None:
            raise CommandError(f"There is no client {client_id}.", returncode=WRONG_USE)
        with transaction.atomic():
            deleted = revoke_client(client)
            if revoker and deleted is not None:
                words = f"Revoked, with tokens: {deleted}."
                record(revoker.pk, client, client.name, CHANGE, words)
        write_result(
            self.stdout,
            {"client_id": client_id, "deleted_tokens": deleted or 0},
            [f"{client.name} is switched off; {deleted or 0} tokens are deleted."],
            as_json=json,
        )
