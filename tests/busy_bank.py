"""A bank in the middle of a working day, with three months of history: for browsers and pictures.

    python -m tests.busy_bank fill          migrates and fills the database of the environment
    python -m tests.busy_bank serve         serves it on PORT, with the set clock

The bank's own commands create the history, each at its time. BUSY_BANK_AT, a moment in ISO 8601
with an offset, sets the present; then random values come from a fixed seed.
"""

import io
import json
import os
import random
import sys
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import django
import time_machine
from django.core.management import call_command

AT_VARIABLE = "BUSY_BANK_AT"
STAFF = {"tessa": "teller", "susan": "supervisor", "aldo": "auditor"}
ADMIN = "admin"
PASSWORD = "counter-window-lamp-27"
_DAYS = 90
# The hours of the day at which money moves, in UTC.
_HOURS = (8, 10, 13, 15)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankproject.settings")
    with ExitStack() as stack:
        fixed = os.environ.get(AT_VARIABLE)
        now = datetime.fromisoformat(fixed) if fixed else datetime.now(UTC)
        if fixed:
            chance = random.Random(7)  # noqa: S311 - pictures come out the same
            stack.enter_context(mock.patch("os.urandom", chance.randbytes))
            stack.enter_context(mock.patch("secrets.randbelow", chance.randrange))
        django.setup()
        match sys.argv[1:]:
            case ["fill"]:
                call_command("migrate", verbosity=0)
                print(json.dumps(fill(now)))
            case ["serve"]:
                stack.enter_context(time_machine.travel(now, tick=False))
                serve(int(os.environ["PORT"]))
            case _:
                sys.exit(__doc__)


def serve(port: int) -> None:
    from django.core.servers.basehttp import ThreadedWSGIServer, run

    from bankproject.wsgi import application

    run("127.0.0.1", port, application, server_cls=ThreadedWSGIServer)


def fill(now: datetime) -> dict[str, Any]:
    """Fills the bank. Returns the user names and the API client, which acts as susan."""
    from django.contrib.auth.models import User

    from clients.registry import create_client
    from clients.scopes import SCOPES

    with time_machine.travel(now - timedelta(days=_DAYS + 1), tick=True):
        people = _people()
        client, secret = create_client(
            "Payroll", user=User.objects.get(username="susan"), scopes=list(SCOPES)
        )
    _Story(now, people).tell()
    return {
        "passwords": dict.fromkeys(people, PASSWORD),
        "client_id": client.client_id,
        "client_secret": secret,
    }


def _people() -> dict[str, int]:
    """The ids of staff and customers."""
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import Group, User

    hashed = make_password(PASSWORD)
    people = {ADMIN: User(username=ADMIN, is_staff=True, is_superuser=True, password=hashed)}
    people |= {name: User(username=name, is_staff=True, password=hashed) for name in STAFF}
    people |= {name: User(username=name, password=hashed) for name in ("ada", "grace", "noor")}
    for user in people.values():
        user.save()
    for name, role in STAFF.items():
        people[name].groups.add(Group.objects.get(name=role))
    return {name: user.pk for name, user in people.items()}


class _Story:
    """The bank's history, from its first day to now."""

    def __init__(self, now: datetime, people: dict[str, int]) -> None:
        self.now = now
        self.people = people
        self.chance = random.Random(27)  # noqa: S311 - amounts
        self.accounts: dict[str, Any] = {}

    def tell(self) -> None:
        first = self.now - timedelta(days=_DAYS)
        with time_machine.travel(first, tick=False):  # The command creates the account's id.
            opening = self._open()
        self._at(first, opening)
        for day in range(1, _DAYS):
            at = first + timedelta(days=day)
            if at.weekday() < 5:
                for hour in _HOURS:
                    self._at(at.replace(hour=hour, minute=17), self._usual(at, hour))
        self._jobs()
        self._today()

    def _at(self, at: datetime, commands: list[Any], *, by: str = "tessa") -> list[Any]:
        from core.commands import Origin
        from transactions.ledger.processor import process

        if not commands or at > self.now:
            return []
        user_id = self.people[by]
        origin = Origin(user_id=user_id, caller=f"user:{user_id}", address="192.0.2.14")
        with time_machine.travel(at, tick=False):
            return process(commands, origin)

    def _open(self) -> list[Any]:
        from accounts.commands import OpenAccount

        commands: list[Any] = self._customers()
        for name, currency, owner, limit in (
            ("Ada Lovelace", "USD", "ada", 0),
            ("Ada Lovelace, savings", "USD", "ada", 0),
            ("Grace Hopper", "USD", "grace", 500),
            ("Noor Inayat Khan", "EUR", "noor", 0),
            ("Corner Shop", "EUR", None, 1000),
            ("Harbour Works Ltd", "USD", None, 0),
            ("Kyoto Trading", "JPY", None, 0),
        ):
            command = OpenAccount(
                name=name,
                currency=currency,
                owner_id=self.people[owner] if owner else None,
                overdraft_limit=Decimal(limit),
            )
            self.accounts[name] = command.account_id
            commands.append(command)
        return [
            *commands,
            # In parts: a larger amount would wait for a second person.
            *[self._deposit("Harbour Works Ltd", "9500.00", "Capital") for _ in range(5)],
            self._deposit("Kyoto Trading", "1200000", "Capital"),
            self._deposit("Ada Lovelace", "1800.00", "First deposit"),
            self._deposit("Grace Hopper", "640.50", "First deposit"),
        ]

    def _customers(self) -> list[Any]:
        """The customers of those who own accounts; an account gets that of its owner."""
        from accounts.commands import GiveUser
        from customers.commands import RegisterCustomer

        commands: list[Any] = []
        for username, name, born, phone in (
            ("ada", "Ada Lovelace", date(1985, 12, 10), "+44 20 7946 0958"),
            ("grace", "Grace Hopper", date(1976, 12, 9), "+1 202 555 0143"),
            ("noor", "Noor Inayat Khan", date(1984, 1, 1), "+33 1 70 18 99 00"),
        ):
            customer = RegisterCustomer(
                name=name, birth_date=born, phone=phone, email=f"{username}@example.com"
            )
            user_id = self.people[username]
            commands += [customer, GiveUser(customer_id=customer.customer_id, user_id=user_id)]
        return commands

    def _usual(self, at: datetime, hour: int) -> list[Any]:
        """The usual commands at this hour of a day."""
        if hour == 8 and (at.day == 1 or (at.weekday() == 0 and at.day <= 3)):
            return [
                self._transfer("Harbour Works Ltd", "Ada Lovelace", "2450.00", "Salary"),
                self._transfer("Harbour Works Ltd", "Grace Hopper", "2210.75", "Salary"),
            ]
        if hour == 10:
            return [self._deposit("Corner Shop", self._some(120, 480), "Takings")]
        if hour == 13:
            payer = self.chance.choice(["Ada Lovelace", "Grace Hopper"])
            return [self._withdraw(payer, self._some(10, 60), "Cash")]
        if hour == 15 and at.weekday() == 4:
            return [
                self._transfer(
                    "Ada Lovelace", "Ada Lovelace, savings", self._some(20, 90), "To savings"
                ),
                self._transfer("Corner Shop", "Noor Inayat Khan", self._some(200, 320), "Wages"),
                self._deposit("Grace Hopper", self._some(90, 240), "Lecture"),
                self._deposit("Ada Lovelace", self._some(150, 400), "Royalties"),
            ]
        return []

    def _jobs(self) -> None:
        """Runs the nightly cron jobs, and a file of payments in the morning."""
        night = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        with time_machine.travel(night, tick=True):
            call_command("archive_transactions", "--older-than", "60d", stdout=io.StringIO())
            call_command("verify_ledger", stdout=io.StringIO())
        rows = (("Ada Lovelace", "84.20"), ("Grace Hopper", "131.00"))
        with time_machine.travel(night, tick=True):
            self._upload("expenses.csv", "Expenses", rows, by="susan", approved_by=ADMIN)

    def _upload(self, name: str, what: str, rows: Any, *, by: str, approved_by: str = "") -> None:
        """Uploads a file of payments of Harbour Works; one that is approved is posted, too."""
        from core.commands import Origin
        from desk.decisions import approve
        from desk.uploads import upload
        from desk.working import work_on

        payer = self.accounts["Harbour Works Ltd"]
        content = "type,account_id,target_account_id,amount,description\n" + "".join(
            f"TRANSFER,{payer},{self.accounts[payee]},{amount},{what}\n" for payee, amount in rows
        )

        def origin(username: str) -> Origin:
            user_id = self.people[username]
            return Origin(user_id=user_id, caller=f"user:{user_id}", address="192.0.2.14")

        file = upload(name, content.encode(), atomic=False, origin=origin(by))
        if approved_by:
            work_on(approve(file.pk, origin(approved_by), "As every month"))

    def _today(self) -> None:
        from accounts.commands import FreezeAccount
        from accounts.states import FreezeScope
        from transactions.commands import Reverse

        for hours, amount in ((6, "210.40"), (5, "96.15"), (4, "342.80"), (2, "57.05")):
            self._at(self._ago(hours=hours), [self._deposit("Corner Shop", amount, "Takings")])
        self._at(self._ago(hours=5), [self._withdraw("Grace Hopper", "45.00", "Cash")])
        mistaken = self._at(
            self._ago(hours=4), [self._deposit("Noor Inayat Khan", "1500.00", "Rent")]
        )
        self._at(
            self._ago(hours=3),
            [Reverse(transaction_id=row.id, reason="Entered twice") for row in mistaken],
            by="susan",
        )
        wages = [("Ada Lovelace", "410.00"), ("Grace Hopper", "385.50"), ("Ada Lovelace", "96000")]
        with time_machine.travel(self._ago(hours=2), tick=False):
            self._upload("wages.csv", "Wages", wages, by="tessa")
        freeze = FreezeAccount(
            account_id=self.accounts["Kyoto Trading"],
            scope=FreezeScope.DEBITS,
            reason="Papers of the new director are missing",
        )
        self._at(self._ago(hours=3), [freeze], by="susan")
        self._at(
            self._ago(hours=2),
            [
                self._withdraw("Kyoto Trading", "90000", "Supplier"),
                self._withdraw("Ada Lovelace, savings", "6000.00", "Car"),
            ],
        )
        self._at(
            self._ago(hours=1),
            [
                self._transfer("Harbour Works Ltd", "Ada Lovelace", "12500.00", "Bonus"),
                self._transfer("Ada Lovelace", "Grace Hopper", "36.40", "Dinner"),
            ],
        )

    def _ago(self, *, hours: int) -> datetime:
        return self.now - timedelta(hours=hours, minutes=7 * hours)

    def _some(self, low: int, high: int) -> str:
        return f"{self.chance.randrange(low * 100, high * 100) / 100:.2f}"

    def _deposit(self, name: str, amount: str, description: str) -> Any:
        from transactions.commands import Deposit

        return Deposit(
            account_id=self.accounts[name], amount=Decimal(amount), description=description
        )

    def _withdraw(self, name: str, amount: str, description: str) -> Any:
        from transactions.commands import Withdraw

        return Withdraw(
            account_id=self.accounts[name], amount=Decimal(amount), description=description
        )

    def _transfer(self, name: str, target: str, amount: str, description: str) -> Any:
        from transactions.commands import Transfer

        return Transfer(
            account_id=self.accounts[name],
            target_account_id=self.accounts[target],
            amount=Decimal(amount),
            description=description,
        )


if __name__ == "__main__":
    main()
