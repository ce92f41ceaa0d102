"""The user named by `--actor` of a management command needs the rights that the API requires.

If the API has no such route, the rights are those that the console requires.
"""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError

from accounts.commands import CloseCustomer
from clients.models import ApiClient
from clients.registry import create_client
from clients.scopes import SCOPES
from tests.__main__ import PACKAGES
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, make_customer, run
from transactions.tests.legacy_files import write_legacy

pytestmark = pytest.mark.django_db

# No role has these rights, because they would bypass every second person.
OF_SUPERUSERS = ("create_api_client", "import_data", "reset_authenticator")
# The entries of these commands in the log of staff. The other commands have events of their own.
IN_THE_LOG = {
    "create_api_client": ("Shop", f"Acts as ada, for {' '.join(SCOPES)}."),
    "disable_api_client": ("Shop", "Revoked, with tokens: 0."),
    "import_data": ("Files", "Imported into the empty bank."),
    "reset_authenticator": ("tessa", "Reset the authenticator."),
}
LOGGED = LogEntry.objects.order_by("id")


def commands_with_actor() -> list[str]:
    found = []
    for name, app in get_commands().items():
        if app in PACKAGES:
            parser = load_command_class(app, name).create_parser("manage.py", name)
            if "--actor" in parser._option_string_actions:
                found.append(name)
    return sorted(found)


def arguments_of(name: str, folder: Path) -> list[str]:
    """The arguments that the command needs apart from its actor."""
    make = ARGUMENTS.get(name)
    return make(folder) if make else []


def _of_a_new_client(_folder: Path) -> list[str]:
    make_user("ada")
    return ["Shop", "--user", "ada"]


def _of_a_client(_folder: Path) -> list[str]:
    client, _ = create_client("Shop", user=make_user("ada"), scopes=["accounts:read"])
    return [client.client_id]


def _of_an_authenticator(_folder: Path) -> list[str]:
    make_user("tessa", role="teller")
    return ["tessa"]


def _of_an_import(folder: Path) -> list[str]:
    return [str(write_legacy(folder))]


def _of_a_customer(_folder: Path) -> list[str]:
    customer = make_customer()
    run(CloseCustomer(customer_id=customer.pk))
    return [customer.number, "--reason=Asked for it"]


def _of_a_reversal(_folder: Path) -> list[str]:
    return [str(deposit(make_account(), 5).id), "--reason=Mistake"]


def _of_a_batch(folder: Path) -> list[str]:
    path = folder / "movements.csv"
    header = "type,account_id,target_account_id,amount,description,idempotency_key"
    path.write_text(f"{header}\nDEPOSIT,{make_account().id},,1.00,,\n")
    return [str(path)]


ARGUMENTS = {
    "create_api_client": _of_a_new_client,
    "disable_api_client": _of_a_client,
    "forget_customer": _of_a_customer,
    "reset_authenticator": _of_an_authenticator,
    "import_data": _of_an_import,
    "reverse_transactions": _of_a_reversal,
    "post_batch": _of_a_batch,
    "run_job": lambda _folder: ["summarise_days"],
}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("name", commands_with_actor())
def test_an_actor_needs_the_right_that_the_api_asks_for(
    name: str, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path  # The archive takes no file that another test has left.
    make_user("audrey", role="auditor")
    make_user("inez", role="supervisor", is_active=False)
    make_user("mallory", is_superuser=True)  # Not staff, so without their rights.
    arguments = arguments_of(name, tmp_path)
    for actor in ("audrey", "inez", "mallory", "nobody"):
        with nothing_changes(), pytest.raises(CommandError, match=actor) as raised:
            call_command(name, *arguments, "--actor", actor)
        assert raised.value.returncode == 2
    susan = make_user("susan", role="supervisor")
    may = susan
    if name in OF_SUPERUSERS:
        with nothing_changes(), pytest.raises(CommandError, match="susan") as raised:
            call_command(name, *arguments, "--actor", "susan")
        assert raised.value.returncode == 2
        may = make_user("root", is_staff=True, is_superuser=True)
    call_command(name, *arguments, "--actor", may.username)
    logged = [(entry.user, entry.object_repr, entry.change_message) for entry in LOGGED.all()]
    assert logged == ([(may, *IN_THE_LOG[name])] if name in IN_THE_LOG else [])


@pytest.mark.parametrize("name", IN_THE_LOG)
def test_without_an_actor_nobody_is_in_the_log(name: str, tmp_path: Path) -> None:
    call_command(name, *arguments_of(name, tmp_path), stdout=StringIO())
    assert not LOGGED.exists()


def test_only_a_superuser_lets_a_program_act_as_other_staff() -> None:
    """The console has the same rule."""
    creator = make_user("carl", role="teller")
    make_user("tessa", role="teller")
    creator.user_permissions.add(Permission.objects.get(codename="manage_apiclient"))
    create = ("create_api_client", "Shop", "--actor", "carl", "--user")
    with pytest.raises(CommandError, match="Only a superuser") as raised:
        call_command(*create, "tessa")
    assert (raised.value.returncode, ApiClient.objects.count()) == (2, 0)
    call_command(*create, "carl", stdout=StringIO())
    assert ApiClient.objects.get().user == creator


def test_nobody_resets_their_own_authenticator() -> None:
    make_user("root", is_staff=True, is_superuser=True)
    with pytest.raises(CommandError, match="Nobody may reset their own") as raised:
        call_command("reset_authenticator", "root", "--actor", "root")
    assert raised.value.returncode == 2


def test_a_file_with_an_account_of_the_actor_is_refused_by_line(tmp_path: Path) -> None:
    sam, path = make_user("sam", role="supervisor"), tmp_path / "movements.csv"
    mine, others = make_account(owner_id=sam.pk), make_account()
    header = "type,account_id,target_account_id,amount,description,idempotency_key"
    path.write_text(
        f"{header}\nDEPOSIT,{others.id},,1.00,,\nTRANSFER,{others.id},{mine.id},1.00,,\n"
    )
    with nothing_changes(), pytest.raises(CommandError) as raised:
        call_command("post_batch", str(path), "--actor", "sam")
    detail = f"Line 3: Account {mine.id} is your own: another member of staff must do this."
    assert detail in str(raised.value)
