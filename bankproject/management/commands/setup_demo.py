"""`manage.py setup_demo`: fills an empty bank with people, accounts and some history."""

import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand
from django.db import connection, transaction

from accounts.models import Account
from bankproject.demo import make_accounts
from bankproject.roles import AUDITOR, SUPERVISOR, TELLER
from clients.models import ApiClient
from clients.registry import create_client, issue_token
from clients.scopes import SCOPES
from core.commands import Origin
from core.files import FileProblem, write_atomically
from seals import keys
from seals.sealing import seal

LOGINS_NAME = "demo_logins.txt"
_ADMIN = "admin"
_CLIENT = "Demo client"
_STAFF = {"tessa": TELLER, "susan": SUPERVISOR, "aldo": AUDITOR}
_CUSTOMERS = ("ada", "grace", "sofya")


class Command(BaseCommand):
    help = (
        "Fills an empty bank with demo accounts, staff and a superuser. Prints random passwords"
        f" and, on SQLite, keeps them in {LOGINS_NAME} in the data folder. Does"
        " nothing if the bank already has a user or an account."
    )

    def handle(self, **_options: Any) -> None:
        kept = settings.DATA_DIR / LOGINS_NAME if connection.vendor == "sqlite" else None
        if get_user_model().objects.exists() or Account.objects.exists():
            self.stdout.write("The bank has users or accounts already: nothing to set up.")
        else:
            logins = _make_logins()
            self.stdout.write(f"\nThe demo bank is ready.\n\n{logins}")
            if kept:
                with write_atomically(kept) as file:
                    file.write(logins.encode())
            self._seal()
        if kept and _are_of_this_bank(kept):
            self.stdout.write(f"These log-ins are kept in {kept}, for its owner to read.")
        self._print_token()

    def _seal(self) -> None:
        """Seals the history, with a key made for it: each transaction then has a proof."""
        try:
            if not keys.has_key():
                keys.make_key(keys.key_path())
            seal()
        except FileProblem as problem:
            self.stderr.write(f"The demo bank has no seal: {problem}")

    def _print_token(self) -> None:
        """Prints a new token of the demo client, if `make run` serves the bank on this machine."""
        client = ApiClient.objects.filter(name=_CLIENT, is_active=True).first()
        is_here = not settings.PRODUCTION and settings.PUBLISHED_ON == settings.HOST
        if client is None or not is_here:
            return
        self.stdout.write("A token for the API, good for 15 minutes. Once the bank runs, try:\n")
        self.stdout.write(
            f"  curl -H 'Authorization: Bearer {issue_token(client)}'"
            f" http://{settings.HOST}:{settings.PORT}/api/v1/accounts/\n"
        )


def _are_of_this_bank(kept: Path) -> bool:
    """Whether this bank made the kept log-ins. Those of a lost bank stay in the folder."""
    if not kept.exists():
        return False
    words = set(kept.read_text("utf-8", errors="replace").split())
    return ApiClient.objects.filter(name=_CLIENT, client_id__in=words).exists()


def _make_logins() -> str:
    """Creates people, accounts and an API client; returns the text with their credentials."""
    passwords = _make_users()
    accounts = make_accounts(Origin(caller="job:setup_demo"))
    tessa = get_user_model().objects.get(username="tessa")
    client, secret = create_client(_CLIENT, user=tessa, scopes=list(SCOPES))
    roles = {_ADMIN: "superuser", **_STAFF, **dict.fromkeys(_CUSTOMERS, "customer")}
    lines = ["Passwords:", ""]
    lines += [f"  {name:<8} {passwords[name]:<26} {roles[name]}" for name in passwords]
    lines += ["", "Accounts:", ""]
    lines += [f"  {account_id}  {name}" for name, account_id in accounts.items()]
    lines += ["", "API client of tessa:", ""]
    lines += [f"  client_id      {client.client_id}", f"  client_secret  {secret}", ""]
    return "\n".join(lines)


@transaction.atomic
def _make_users() -> dict[str, str]:
    """Creates a superuser, one member of staff for each role, and customers; all or none."""
    users = get_user_model().objects
    passwords = {name: secrets.token_urlsafe(18) for name in (_ADMIN, *_STAFF, *_CUSTOMERS)}
    users.create_superuser(_ADMIN, password=passwords[_ADMIN])
    for name, role in _STAFF.items():
        user = users.create_user(name, password=passwords[name], is_staff=True)
        user.groups.add(Group.objects.get(name=role))
    for name in _CUSTOMERS:
        users.create_user(name, password=passwords[name])
    return passwords
