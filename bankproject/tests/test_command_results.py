"""All commands of the bank return results to scripts in the same way."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from accounts.commands import CloseCustomer
from clients.models import ApiClient
from core.results import WRONG_USE
from tests.__main__ import PACKAGES
from tests.api import make_user
from tests.factories import deposit, make_account, make_customer, run
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

# These run until they are stopped, or create or change the database itself. `query` has a format of
# its own: `--format json`.
WITHOUT_RESULT = {"flush", "migrate", "process_transactions", "query", "serve", "setup_demo"}
OWN_COMMANDS = sorted(
    name for name, app in get_commands().items() if str(app).partition(".")[0] in PACKAGES
)


@pytest.mark.parametrize("name", sorted(set(OWN_COMMANDS) - WITHOUT_RESULT))
def test_a_command_with_a_result_takes_json(name: str) -> None:
    command = load_command_class(get_commands()[name], name)
    options = command.create_parser("manage.py", name)._option_string_actions
    assert "--json" in options


def answered(*arguments: str) -> dict[str, Any]:
    output = StringIO()
    call_command(*arguments, stdout=output)
    (line,) = output.getvalue().splitlines()
    result: dict[str, Any] = json.loads(line)
    return result


def test_results_come_as_one_line_of_json() -> None:
    make_user("ada", is_staff=True)
    account = make_account()
    paid = deposit(account, 5)
    made = answered("create_api_client", "Payroll", "--user", "ada", "--json")
    assert sorted(made) == ["client_id", "client_secret"]
    assert answered("disable_api_client", made["client_id"], "--json") == {
        "client_id": made["client_id"],
        "deleted_tokens": 0,
    }
    assert not ApiClient.objects.get().is_active
    assert answered("reset_authenticator", "ada", "--json") == {"username": "ada"}
    assert answered("encrypt_authenticators", "--json") == {"encrypted": 0}
    reversed_by = answered("reverse_transactions", str(paid.id), "--reason", "Twice", "--json")
    reversal = Transaction.objects.get(reverses=paid.id)
    assert reversed_by == {"reversals": {str(paid.id): str(reversal.pk)}}
    gone = make_customer()
    run(CloseCustomer(customer_id=gone.pk))
    assert answered("forget_customer", gone.number, "--reason", "Asked for it", "--json") == {
        "number": gone.number,
        "status": "FORGOTTEN",
    }
    nothing = {"dry_run": False, "transactions": 0, "outcomes": {}}
    assert answered("retry_failed", "--json") == nothing


@pytest.mark.parametrize(
    "arguments",
    [
        ("disable_api_client", "nobody"),
        ("reset_authenticator", "nobody"),
        ("forget_customer", "1234567890", "--reason", "x"),
        ("create_api_client", "Payroll", "--user", "nobody"),
        ("retry_failed", "--code", "cancelled"),
        ("process_transactions", "--workers", "0"),
        ("archive_transactions", "--account", "nobody"),
        ("retry_failed", "--actor", "nobody"),
    ],
    ids=" ".join,
)
def test_a_wrong_name_or_number_is_wrong_use(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as raised:
        call_command(*arguments)
    assert raised.value.returncode == WRONG_USE
