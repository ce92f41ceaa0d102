"""`--actor` of a management command: the user it names needs the rights that the API asks for."""

from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError

from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account

pytestmark = pytest.mark.django_db

APPS = ("accounts", "transactions", "clients", "staff", "bankproject", "core")


def commands_with_actor() -> list[str]:
    found = []
    for name, app in get_commands().items():
        if app in APPS:
            parser = load_command_class(app, name).create_parser("manage.py", name)
            if "--actor" in parser._option_string_actions:
                found.append(name)
    return sorted(found)


def arguments_of(name: str, folder: Path) -> list[str]:
    """What the command needs apart from its actor."""
    if name == "reverse_transactions":
        return [str(deposit(make_account(), 5).id), "--reason=Mistake"]
    if name != "post_batch":
        return []
    path = folder / "movements.csv"
    header = "type,account_id,target_account_id,amount,description,idempotency_key"
    path.write_text(f"{header}\nDEPOSIT,{make_account().id},,1.00,,\n")
    return [str(path)]


@pytest.mark.parametrize("name", commands_with_actor())
def test_an_actor_needs_the_right_that_the_api_asks_for(name: str, tmp_path: Path) -> None:
    make_user("audrey", role="auditor")
    make_user("inez", role="supervisor", is_active=False)
    make_user("mallory", is_superuser=True)  # Not staff: has no rights of staff.
    arguments = arguments_of(name, tmp_path)
    for actor in ("audrey", "inez", "mallory", "nobody"):
        with nothing_changes(), pytest.raises(CommandError, match=actor) as raised:
            call_command(name, *arguments, "--actor", actor)
        assert raised.value.returncode == 2
    make_user("susan", role="supervisor")
    call_command(name, *arguments, "--actor", "susan")


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
