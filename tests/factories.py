"""Factories of test data, which use the bank's own commands."""

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from accounts.commands import GiveUser, OpenAccount
from accounts.models import Account, LimitRequest
from core.commands import Command, Origin
from core.identifiers import uuid7
from customers.commands import RegisterCustomer
from customers.models import Customer
from desk.models import DeskFile
from desk.uploads import upload
from statements.models import Statement
from transactions.commands import AddNote, Deposit, PlaceHold
from transactions.ledger.processor import process
from transactions.ledger.writer import JournalRow
from transactions.models import Hold, Note

ORIGIN = Origin(caller="job:tests", request_id="r-1", address="192.0.2.7")


def run(command: Command, origin: Origin = ORIGIN) -> Any:
    """Runs a single command and returns its result."""
    (result,) = process([command], origin)
    return result


def make_account(*, balance: str | int = 0, currency: str = "USD", **opening: Any) -> Account:
    """An open customer account with its balance, in main units, from one deposit."""
    opening = {"name": "Ada Lovelace"} | opening
    command = OpenAccount(currency=currency, **opening)
    commands: list[Command] = [command]
    if Decimal(balance):
        commands.append(Deposit(account_id=command.account_id, amount=Decimal(balance)))
    process(commands, ORIGIN)
    return Account.objects.get(pk=command.account_id)


def make_customer(*, user: str = "", **details: Any) -> Customer:
    """A registered customer; with a `user`, who is made if there is no user of this name."""
    details = {"name": "Ada Lovelace"} | details
    customer: Customer = run(RegisterCustomer(**details))
    if user:
        owner, _ = get_user_model().objects.get_or_create(username=user)
        run(GiveUser(customer_id=customer.pk, user_id=owner.pk))
    return Customer.objects.get(pk=customer.pk)


def deposit(account: Account, amount: str | int) -> JournalRow:
    row: JournalRow = run(Deposit(account_id=account.id, amount=Decimal(amount)))
    return row


def make_hold(account: Account, amount: str | int, **details: Any) -> Hold:
    """An open hold of the amount, in main units."""
    hold: Hold = run(PlaceHold(account_id=account.pk, amount=Decimal(amount), **details))
    return hold


def make_note(text: str = "Rang on Monday", origin: Origin = ORIGIN, **about: Any) -> Note:
    """A note about one thing: `account_id`, `customer_id` or `transaction_id`."""
    note: Note = run(AddNote(text=text, **about), origin)
    return note


def make_limit_request(account: Account, limit: str | int = 20_000, **fields: Any) -> LimitRequest:
    """A limit that waits for a second person, without a requester by default."""
    now = timezone.now()
    content = {"reason": "Agreed", "id": uuid7(now), "created_at": now} | fields
    return LimitRequest.objects.create(
        account=account,
        overdraft_limit=Decimal(limit),
        limit_before=account.overdraft_limit,
        **content,
    )


def make_file(account: Account, maker: Any, *amounts: str, name: str = "pay.csv") -> DeskFile:
    """An uploaded file of deposits to the account, by this member of staff."""
    rows = "".join(f"DEPOSIT,{account.pk},{amount},{name}\n" for amount in amounts or ("1",))
    content = f"type,account_id,amount,description\n{rows}".encode()
    origin = Origin(user_id=maker.pk, caller=f"user:{maker.pk}", address="192.0.2.7")
    return upload(name, content, atomic=False, origin=origin)


def make_statement(account: Account, *, period: str = "2026-01") -> Statement:
    """The first statement of a new account: of a month before it was opened, without entries."""
    nothing = Decimal(0)
    return Statement.objects.create(
        id=uuid7(timezone.now()),
        account=account,
        number=1,
        period=period,
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
        ends_at=datetime(2026, 2, 1, tzinfo=UTC),
        time_zone="UTC",
        currency=account.currency,
        first_sequence=1,
        last_sequence=0,
        count=0,
        opening_balance=nothing,
        closing_balance=nothing,
        total_debits=nothing,
        total_credits=nothing,
        secret="0" * 64,
        digest=sha256(account.pk.bytes).hexdigest(),
        issued_at=timezone.now(),
    )
