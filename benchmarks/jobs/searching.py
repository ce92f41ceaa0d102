"""How long the console's search takes, for each kind of text that people write."""

import random
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import Account
from bankproject.console.search import search
from benchmarks.jobs.preparation import analyze
from benchmarks.measure import percentile
from benchmarks.processors import used_seconds
from benchmarks.target import Target
from core.identifiers import uuid7
from core.name_words import catch_up
from core.numbers import new_number
from customers.models import Customer
from transactions.models import Transaction

_SYLLABLES = ("an", "be", "ca", "dor", "el", "fi", "gra", "hol", "is", "jun", "ko", "la", "mar")
_AT_ONCE = 2_000
_GIVE = """
    UPDATE accounts_account SET name = c.name || ', current', customer_id = c.id,
        number = 700000000000 + 2000003 * a.place
    FROM (SELECT id, name, row_number() OVER (ORDER BY id) AS place FROM customers_customer) c
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM accounts_account
          WHERE kind = 'CUSTOMER') a USING (place)
    WHERE accounts_account.id = a.id"""


def give_names(_: Target, *, customers: int) -> int:
    """Registers so many customers, gives each an account, and stores the words of their names.

    The accounts get numbers of 12 digits, which copies of accounts lack.

    Returns the number of rows whose words were missing.
    """
    chance = random.Random(15)  # noqa: S311 - names
    now = timezone.now()
    numbers: set[str] = set()
    while len(numbers) < customers:
        numbers.add(new_number(10))
    made = (
        Customer(id=uuid7(now), number=number, name=_name(chance), created_at=now, updated_at=now)
        for number in sorted(numbers)
    )
    Customer.objects.bulk_create(made, batch_size=_AT_ONCE)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(_GIVE)
    missing = catch_up()
    analyze()
    connections.close_all()
    return missing


def _name(chance: random.Random) -> str:
    """Two words of some 2,000 and some 28,000: few people share both."""
    first, last = (chance.choices(_SYLLABLES, k=length) for length in (3, 4))
    return f"{''.join(first).title()} {''.join(last).title()}"


def searches(_: Target, *, database_pid: int, times: int) -> dict[str, dict[str, float]]:
    """By the kind of text: milliseconds by the clock, the median and 95 of 100, and of processor.

    Each search is another text. Also how many groups of hits the last one had.
    """
    user = User.objects.create_superuser(f"searcher-{uuid4().hex[:8]}")
    found = {}
    for kind, text in _texts().items():
        search(text(), user)
        clocks, groups = [], 0
        begun = time.process_time() + used_seconds(database_pid)
        for _turn in range(times):
            at = time.perf_counter()
            groups = len(search(text(), user).groups)
            clocks.append(time.perf_counter() - at)
        used = time.process_time() + used_seconds(database_pid) - begun
        found[kind] = {
            "median": percentile(clocks, 50) * 1000,
            "most": percentile(clocks, 95) * 1000,
            "processor": used / times * 1000,
            "groups": groups,
        }
    connections.close_all()
    return found


def _texts() -> dict[str, Callable[[], str]]:
    """What makes a text of each kind."""
    chance = random.Random(16)  # noqa: S311 - names
    accounts = list(Account.objects.filter(kind="CUSTOMER")[:500].values_list("number", "pk"))
    names = list(Customer.objects.order_by("number")[:500].values_list("name", flat=True))
    rows = list(Transaction.objects.order_by("-id")[:500].values_list("pk", "amount"))

    def one(values: list[Any]) -> Any:
        return chance.choice(values)

    return {
        "number of an account": lambda: str(one(accounts)[0]),
        "beginning of a number": lambda: one(accounts)[0][:5],
        "id of an account": lambda: str(one(accounts)[1]),
        "id of a transaction, its first half": lambda: str(one(rows)[0])[:18],
        "name, both words turned": lambda: " ".join(reversed(one(names).split())),
        "first name": lambda: str(one(names).split()[0]),
        "beginning of a name": lambda: one(names)[:3],
        "one letter": lambda: one(names)[:1],
        "amount": lambda: f"{one(rows)[1]:.2f}",
        "amount with its currency": lambda: f"{one(rows)[1]:.2f} USD",
        "name with a wrong letter": lambda: one(names).split()[1][:-2] + "xy",
        "what nothing has": lambda: f"qzx{chance.randrange(10**6)}",
    }
