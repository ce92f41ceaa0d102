"""`manage.py disable_api_client`: a client whose secret or token leaked gets in no more."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clients.models import ApiClient
from clients.registry import revoke_client


class Command(BaseCommand):
    help = "Switches an OAuth2 client off and deletes its tokens. Its record and history stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id")

    def handle(self, *, client_id: str, **_: Any) -> None:
        client = ApiClient.objects.filter(client_id=client_id).first()
        if client is None:
            raise CommandError(f"There is no client {client_id}.")
        deleted = revoke_client(client) or 0
        self.stdout.write(f"{client.name} is switched off; {deleted} tokens are deleted.")
