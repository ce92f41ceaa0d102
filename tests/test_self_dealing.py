"""Nobody uses the rights of staff on their own accounts: each command, route and button is tried.

Sam is a supervisor who owns an account. Another supervisor may do all of this.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin import site
from django.urls import reverse

from accounts import commands as account_commands
from accounts.models import Account
from core.api.conditions import Precondition
from core.commands import Command, Origin
from core.errors import BankError, SelfDealing
from customers.commands import ChangeCustomer, ExpectCustomer, ReopenCustomer
from customers.models import Customer
from tests.api import API, account_path, client_of, make_user
from tests.assertions import nothing_changes
from tests.factories import (
    ORIGIN,
    deposit,
    make_account,
    make_customer,
    make_hold,
    make_limit_request,
)
from tests.test_authorisation_matrix import TABLE, Rule
from transactions import commands as money_commands
from transactions.batches.input import read_items
from transactions.batches.post import post_batch
from transactions.commands import AddNote, Deposit, MoneyCommand, Transfer, Withdraw
from transactions.ledger.processor import process, try_out
from transactions.models import Transaction
from transactions.queue.acceptance import accept

pytestmark = pytest.mark.django_db
WHY = "It was asked for"


class World:
    """Sam's account with money and a hold, one of nobody, a waiting deposit and a waiting limit."""

    def __init__(self) -> None:
        self.sam = make_user("sam", role="supervisor")
        self.other = make_user("olive", role="supervisor")
        self.account = make_account(owner_id=self.sam.pk)
        self.customer = make_customer(user="sam")
        self.target = make_account(balance=50)
        self.deposit = deposit(self.account, "9.75")
        self.hold = make_hold(self.account, 2)
        self.waiting = deposit(self.account, 10_000)
        assert self.waiting.waits_for_approval()
        self.limit_request = make_limit_request(self.account)

    def origin(self, user: Any) -> Origin:
        return Origin(user_id=user.pk, caller=f"user:{user.pk}")


@pytest.fixture
def world(settings: Any) -> World:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(10_000)}
    return World()


Make = Callable[[World], Command]
ONE = Decimal("1.25")


def on_account(command: type[Any], **content: Any) -> Make:
    return lambda world: command(account_id=world.account.id, reason=WHY, **content)


def on_waiting(command: type[Any]) -> Make:
    return lambda world: command(transaction_id=world.waiting.id, reason=WHY)


def on_customer(command: type[Any], **content: Any) -> Make:
    return lambda world: command(customer_id=world.customer.id, reason=WHY, **content)


COMMANDS: dict[str, Make] = {
    "ChangeCustomer": on_customer(ChangeCustomer, details={"note": "Good"}),
    "ExpectCustomer": on_customer(
        ExpectCustomer, precondition=Precondition(match=frozenset({"*"}))
    ),
    "ReopenCustomer": on_customer(ReopenCustomer),
    "CloseCustomer": on_customer(account_commands.CloseCustomer),
    "ForgetCustomer": on_customer(money_commands.ForgetCustomer),
    "AddNote": lambda world: AddNote(account_id=world.account.id, text=WHY),
    "AddNote on a customer": lambda world: AddNote(customer_id=world.customer.id, text=WHY),
    "AddNote on a transaction": lambda world: AddNote(transaction_id=world.deposit.id, text=WHY),
    "GiveUser": on_customer(account_commands.GiveUser, user_id=0),
    "GiveUser of oneself": lambda world: account_commands.GiveUser(
        customer_id=make_customer().pk, user_id=world.sam.pk
    ),
    "GiveCustomer": lambda world: account_commands.GiveCustomer(
        account_id=world.account.id, customer_id=world.customer.id
    ),
    "GiveCustomer of oneself": lambda world: account_commands.GiveCustomer(
        account_id=world.target.id, customer_id=world.customer.id
    ),
    "OpenAccount for a customer": lambda world: account_commands.OpenAccount(
        name="Sam", currency="USD", customer_id=world.customer.id
    ),
    "OpenAccount": lambda world: account_commands.OpenAccount(
        name="Sam", currency="USD", owner_id=world.sam.pk
    ),
    "RenameAccount": on_account(account_commands.RenameAccount, name="Samuel"),
    "ChangeMetadata": on_account(account_commands.ChangeMetadata, metadata={"a": "b"}),
    "FreezeAccount": on_account(account_commands.FreezeAccount),
    "UnfreezeAccount": on_account(account_commands.UnfreezeAccount),
    "CloseAccount": on_account(account_commands.CloseAccount),
    "HoldDebits": on_account(account_commands.HoldDebits, rules=frozenset({"M4.overdrawn"})),
    "ReleaseDebits": on_account(account_commands.ReleaseDebits),
    "MendDamage": on_account(account_commands.MendDamage),
    "ExpectAccount": on_account(
        account_commands.ExpectAccount, precondition=Precondition(match=frozenset({"*"}))
    ),
    "ReopenAccount": on_account(account_commands.ReopenAccount),
    "ChangeOverdraftLimit": on_account(
        account_commands.ChangeOverdraftLimit, overdraft_limit=Decimal(7)
    ),
    "ChangeLimits": on_account(
        account_commands.ChangeLimits, max_amount=Decimal(7), daily_amount=None, daily_count=None
    ),
    "ApproveLimit": lambda world: account_commands.ApproveLimit(
        account_id=world.account.id, request_id=world.limit_request.id
    ),
    "RejectLimit": lambda world: account_commands.RejectLimit(
        account_id=world.account.id, request_id=world.limit_request.id, reason=WHY
    ),
    "Deposit": lambda world: Deposit(account_id=world.account.id, amount=ONE),
    "Withdraw": lambda world: Withdraw(account_id=world.account.id, amount=ONE),
    "Transfer": lambda world: Transfer(
        account_id=world.account.id, target_account_id=world.target.id, amount=ONE
    ),
    "Transfer to it": lambda world: Transfer(
        account_id=world.target.id, target_account_id=world.account.id, amount=ONE
    ),
    "PlaceHold": lambda world: money_commands.PlaceHold(account_id=world.account.id, amount=ONE),
    "PlaceHold to it": lambda world: money_commands.PlaceHold(
        account_id=world.target.id, target_account_id=world.account.id, amount=ONE
    ),
    "Capture": lambda world: money_commands.Capture(hold_id=world.hold.pk),
    "VoidHold": lambda world: money_commands.VoidHold(hold_id=world.hold.pk),
    "ExpireHold": lambda world: money_commands.ExpireHold(hold_id=world.hold.pk),
    "Reverse": lambda world: money_commands.Reverse(transaction_id=world.deposit.id, reason=WHY),
    "Retry": on_waiting(money_commands.Retry),
    "Cancel": on_waiting(money_commands.Cancel),
    "Approve": on_waiting(money_commands.Approve),
    "Reject": on_waiting(money_commands.Reject),
}


def concrete_commands() -> set[str]:
    """All commands that `process` takes. A Reverse turns into a Reversal; the rest are abstract.

    A registration is nobody's yet: it has no user. The demo repeats four commands with ids of its
    own, if another test has imported it.
    """
    bases = {
        *["AccountCommand", "LimitDecision", "KeyedCommand", "MoneyCommand", "Decision"],
        *["Reversal", "_DamageCommand"],
        *["CustomerCommand", "RegisterCustomer"],
        *["_KnownDeposit", "_KnownTransfer", "_KnownWithdrawal", "_KnownHold"],
        *["HoldCommand", "ItemAboutHold"],
    }

    def below(base: type) -> Iterator[str]:
        for each in base.__subclasses__():
            yield each.__name__
            yield from below(each)

    return {name for name in below(Command) if name not in bases}


def test_every_command_is_tried() -> None:
    assert {name.split()[0] for name in COMMANDS} == concrete_commands()
    assert len(COMMANDS) >= 16


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("dry_run", [False, True], ids=["", "dry run"])
def test_a_command_on_an_own_account_is_refused(world: World, name: str, dry_run: bool) -> None:
    command = COMMANDS[name](world)
    with nothing_changes(), pytest.raises(SelfDealing) as raised:
        (try_out if dry_run else process)([command], world.origin(world.sam))
    assert raised.value.own_id in (
        getattr(command, "customer_id", None),
        getattr(command, "account_id", world.account.id),
        world.account.id,
    )
    # The control: if another supervisor is refused, it is for another reason.
    refused: BankError | None = None
    try:
        process([command], world.origin(world.other))
    except BankError as error:
        refused = error
    assert not isinstance(refused, SelfDealing)


@pytest.mark.parametrize("name", ["Deposit", "Withdraw", "Transfer", "Transfer to it", "Reverse"])
def test_it_is_refused_by_the_queue_as_well(world: World, name: str) -> None:
    command: Any = COMMANDS[name](world)
    with nothing_changes(), pytest.raises(SelfDealing):
        accept([command], world.origin(world.sam))
    assert len(accept([command], world.origin(world.other))) == 1


@pytest.mark.parametrize("atomic", [False, True], ids=["each", "atomic"])
@pytest.mark.parametrize("queued", [False, True], ids=["", "queued"])
def test_an_item_of_a_batch_is_named_by_its_index(world: World, atomic: bool, queued: bool) -> None:
    mine, others = str(world.account.id), str(world.target.id)
    items = [
        {"type": "DEPOSIT", "account_id": others, "amount": "1.00"},
        {"type": "WITHDRAW", "account_id": mine, "amount": "1.00"},
        {"type": "DEPOSIT", "account_id": mine, "amount": "1.00"},
    ]
    request = read_items(items, atomic=atomic)
    with nothing_changes(), pytest.raises(SelfDealing) as raised:
        post_batch(request, world.origin(world.sam), queued=queued)
    assert (raised.value.index, raised.value.own_id) == (1, world.account.id)
    outcome = post_batch(request, world.origin(world.other), queued=queued)
    assert len(outcome.results) == 3


def writing_routes() -> dict[str, tuple[str, Rule]]:
    return {
        f"{verb} {route}": (verb, rule)
        for route, rules in TABLE.items()
        for verb, rule in rules.items()
        # A job is of the bank as a whole.
        if verb != "GET" and isinstance(rule, Rule) and not route.startswith(("jobs/", "webhooks/"))
    }


ROUTES = writing_routes()


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_on_an_own_account_is_refused(world: World, name: str) -> None:
    verb, rule = ROUTES[name]
    ids = {
        "account_id": world.account.id,
        "transaction_id": world.waiting.id,
        "hold_id": world.hold.pk,
        "limit_request_id": world.limit_request.id,
        "customer_id": world.customer.id,
    }
    if "reverse" in name:
        ids["transaction_id"] = world.deposit.id
    path = API + re.sub(r"<(\w+)>", lambda match: str(ids[match[1]]), name.partition(" ")[2])
    body = _filled(rule.body, {**ids, "target_id": world.target.id})
    if name == "POST accounts/":
        body["owner"] = "sam"
    if name in ("POST customers/", "POST customers/<customer_id>/user/"):
        body["user"] = "sam"
    client = client_of(world.sam)
    for extra in ({}, {"Prefer": "respond-async"}):
        with nothing_changes():
            response = getattr(client, verb.lower())(path, body, headers=extra)
        assert (response.status_code, response.json()["code"]) == (403, "self_dealing"), extra


def _filled(body: Any, ids: dict[str, UUID]) -> Any:
    if isinstance(body, str):
        return body.format(**ids)
    if isinstance(body, list):
        return [_filled(item, ids) for item in body]
    if isinstance(body, dict):
        return {name: _filled(member, ids) for name, member in body.items()}
    return body


def test_a_customer_goes_on_to_transfer_from_an_own_account() -> None:
    ada = make_user("ada")
    account, savings = (make_account(balance=5, owner_id=ada.pk) for _ in range(2))
    body = {"amount": "2.00", "target_account_id": str(savings.id)}
    for headers, status in ({}, 200), ({"Prefer": "respond-async"}, 202):
        path = account_path(account, "transfer")
        response = client_of(ada).post(path, body, headers=headers)
        assert response.status_code == status


@dataclass(frozen=True)
class Form:
    """The fields that a form of the console sends."""

    model: str
    button: str
    fields: dict[str, str]


MONEY = {"amount": "1.25", "key": "3d1f8d9a-7a2b-4c0e-8f5e-0d3a9a1c7b11"}
FORMS = [
    Form("customer", "change_details", {"name": "Samuel"}),
    Form("customer", "give_user", {"user": "sam", "reason": WHY}),
    Form("customer", "close_customer", {"reason": WHY}),
    Form("customer", "reopen_customer", {"reason": WHY}),
    Form("account", "rename", {"name": "Samuel"}),
    Form("account", "give_customer", {"customer": "{customer}", "reason": WHY}),
    Form("account", "freeze", {"scope": "all", "reason": WHY}),
    Form("account", "unfreeze", {"reason": WHY}),
    Form("account", "release_debits", {"reason": WHY}),
    Form("account", "overdraft_limit", {"overdraft_limit": "7.00", "reason": WHY}),
    Form("account", "limits", {"max_amount": "7.00", "reason": WHY}),
    Form("account", "close", {"reason": WHY}),
    Form("account", "reopen", {"reason": WHY}),
    Form("account", "deposit", MONEY),
    Form("account", "withdraw", MONEY),
    Form("account", "hold", MONEY),
    Form("account", "transfer", {**MONEY, "target": "{target}"}),
    *(
        Form("transaction", verb, {"reason": WHY})
        for verb in ("retry", "reverse", "approve", "reject", "cancel")
    ),
]


def test_every_button_of_the_console_is_tried() -> None:
    tried = {(form.model, form.button) for form in FORMS}
    pages = {Account: "account", Customer: "customer", Transaction: "transaction"}
    for model, name in pages.items():
        buttons = set(site._registry[model].actions_detail) - READING
        assert buttons == {button for of, button in tried if of == name}


# These change nothing of the account: a statement only repeats what its entries say.
READING = {
    "entries",
    "export",
    "issue_statements",
    "open_account",
    "statements",
    "transactions",
}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.button)
def test_a_button_on_an_own_account_tells_why_not(world: World, form: Form) -> None:
    app = f"{form.model}s"
    done = world.deposit if form.button == "reverse" else world.waiting
    pk = {"account": world.account.id, "customer": world.customer.id}.get(form.model, done.id)
    path = reverse(f"admin:{app}_{form.model}_{form.button}", args=(pk,))
    fields = {
        name: value.format(target=world.target.id, customer=world.customer.number)
        for name, value in form.fields.items()
    }
    with nothing_changes():
        response = client_of(world.sam).post(path, fields, format="multipart", follow=True)
    assert "is your own: another member of staff must do this." in response.content.decode()


def test_a_job_of_the_bank_has_no_accounts_of_its_own(world: World) -> None:
    (row,) = process([COMMANDS["Deposit"](world)], ORIGIN)
    assert row.refusal() is None
    assert isinstance(COMMANDS["Deposit"](world), MoneyCommand)
