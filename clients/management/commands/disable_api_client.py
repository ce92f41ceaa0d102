"""`manage.py disable_api_client`: a client whose secret or token leaked gets in no more."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from oauth2_provider.models import AccessToken

from clients.models import ApiClient


class Command(BaseCommand):
    help = "Switches an OAuth2 client off and deletes its tokens. Its record and history stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id")

    def handle(self, *, client_id: str, **_: Any) -> None:
        client = ApiClient.objects.filter(client_id=client_id).first()
        if client is None:
            raise CommandError(f"There is no client {client_id}.")
        # Off first: from then on it gets no token, and those that it has are worth nothing.
        client.is_active = False
        client.save(update_fields=["is_active", "updated"])
        deleted, _ = AccessToken.objects.filter(application=client).delete()
        self.stdout.write(f"{client.name} is switched off; {deleted} tokens are deleted.")
