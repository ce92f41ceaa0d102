"""Sets up a new bank: tables, accounts, and a client of the API."""

import os
import secrets
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import django
from django.core.management import call_command

from benchmarks.target import People

ROOT = Path(__file__).resolve().parent.parent.parent
# The initial balance of each account, in main units: too large for any load to use up.
WEALTH = Decimal(10) ** 9
CURRENCY = "USD"
_LIST_LENGTH = 500


def begin(environment: Mapping[str, str], root: Path | None = None) -> None:
    """Sets up Django in this process for the bank of the environment.

    `root` is the folder of the bank's code, None for the one that this process already imports.
    """
    os.environ.update(environment)
    if root is not None:
        assert "core" not in sys.modules
        others = [path for path in sys.path if Path(path).resolve() != ROOT]
        sys.path[:] = [str(root), *others]
    django.setup()


def prepare(accounts: int) -> People:
    """Creates the bank. Leaves no connection open, because the database may become a template."""
    from django.db import connection

    call_command("migrate", verbosity=0)
    busy_id, *account_ids = _open_accounts(accounts + 1)
    people = People(account_ids, busy_id, _issue_token())
    connection.close()
    return people


def _open_accounts(count: int) -> list[UUID]:
    """Opens accounts in CURRENCY, each with one deposit of WEALTH."""
    from accounts.commands import OpenAccount
    from core.commands import Command, Origin
    from transactions.commands import Deposit
    from transactions.ledger.processor import process

    origin = Origin(caller="job:benchmark")
    openings = [OpenAccount(name=f"Account {n}", currency=CURRENCY) for n in range(count)]
    commands: list[Command] = [
        *openings,
        *(Deposit(account_id=opening.account_id, amount=WEALTH) for opening in openings),
    ]
    for start in range(0, len(commands), _LIST_LENGTH):
        process(commands[start : start + _LIST_LENGTH], origin)
    analyze()
    return [opening.account_id for opening in openings]


def analyze() -> None:
    """Runs ANALYZE. Autovacuum would take a minute, and until then plans assume empty tables."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _issue_token() -> str:
    """A token of a client that acts as a teller, with all scopes."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from bankproject.roles import TELLER
    from clients.registry import create_client, issue_token
    from clients.scopes import SCOPES

    teller = get_user_model().objects.create_user(
        "teller", password=secrets.token_urlsafe(32), is_staff=True
    )
    teller.groups.add(Group.objects.get(name=TELLER))
    client, _secret = create_client("Benchmark", user=teller, scopes=list(SCOPES))
    return issue_token(client)
