"""A host whose clock is an hour wrong changes nothing that anyone can read."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.apps import apps
from django.contrib.admin.models import CHANGE
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import DateTimeField, Model
from django.test import Client
from django.utils import timezone

from bankproject.apps import MOMENTS_OF_THE_BANK
from clients.registry import issue_token
from clients.tests.program import Program
from core import clock
from core.identifiers import moment_of
from core.moments import BankMoment
from core.staff_log import record
from customers.commands import ChangeCustomer
from staff.authenticators import new_backup_codes
from staff.models import Authenticator
from tests.api import API, ApiClient, anonymous, make_user
from tests.clock import clocks_apart
from tests.factories import make_account, make_customer, run
from tests.identities import token_of
from transactions.batches.post import BatchRequest, post_batch
from transactions.commands import Deposit, Transfer
from transactions.models import Transaction
from transactions.queue import waiting as queue
from transactions.queue.acceptance import accept
from transactions.tests.eventful_bank import make_eventful_bank
from transactions.tests.queueing import WORKER, outcome, work
from transactions.verifier import examine

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

WRONG = (timedelta(hours=1), timedelta(hours=-1))
SHOWN = ("customers", "accounts", "transactions")
# Stamped by the host's clock, by which the package judges it too.
OF_THE_HOST = {"axes.AccessAttempt.attempt_time"}
# The bank grants client credentials only, so these tables stay empty.
UNUSED = {f"oauth2_provider.{name}" for name in ("Grant", "RefreshToken", "IDToken", "DeviceGrant")}


@pytest.fixture(autouse=True)
def _two_clocks() -> Iterator[None]:
    with clocks_apart():
        yield


@contextmanager
def other_host(wrong: timedelta) -> Iterator[None]:
    with time_machine.travel(datetime.now(UTC) + wrong, tick=True):
        yield


def stamped(model: type[Model]) -> Iterator[str]:
    """The moments that a row of the model gets without being given them."""
    for field in model._meta.local_fields:
        if isinstance(field, DateTimeField) and (
            field.auto_now or field.auto_now_add or field.default is timezone.now
        ):
            yield field.name


def told_moments() -> Iterator[tuple[str, datetime]]:
    """Every moment in every row of the bank, including those in ids, and those of its logs."""
    for name, fields in MOMENTS_OF_THE_BANK.items():
        for row in apps.get_model(name)._default_manager.all():
            yield from ((f"{name}.{field}", getattr(row, field)) for field in fields)
    for label in SHOWN:
        for model in apps.get_app_config(label).get_models():
            names = [f.attname for f in model._meta.fields if isinstance(f, DateTimeField)]
            for row in model._default_manager.all():
                yield from ((f"{model.__name__}.{name}", getattr(row, name)) for name in names)
                if getattr(row.pk, "version", None) == 7:
                    yield f"{model.__name__}.id", moment_of(row.pk)


def people_at_work() -> None:
    """Customers, clients and tokens, and what Django and its packages note of people."""
    customer = make_customer(user="grace")
    run(ChangeCustomer(customer_id=customer.pk, details={"name": "Grace Hopper"}))
    program = Program()
    program.token()
    issue_token(program.client)
    record(program.user.pk, program.client, "client", CHANGE, "Noted by the bank.")
    root = User.objects.create_superuser("root", password="a password")
    Authenticator.for_user(root, key="ab" * 20).save()
    new_backup_codes(root)
    browser = Client()
    browser.post("/admin/login/", {"username": "root", "password": "another one"})
    browser.force_login(root)
    noted_by_django = browser.post("/admin/auth/group/add/", {"name": "Night shift"})
    assert noted_by_django.status_code == 302


def test_every_stamp_is_the_banks_or_is_judged_by_the_host() -> None:
    found = {
        f"{model._meta.label}.{name}": model._meta.get_field(name)
        for model in apps.get_models()
        if model._meta.label not in UNUSED
        for name in stamped(model)
    }
    by_the_host = {name for name, field in found.items() if not isinstance(field, BankMoment)}
    assert by_the_host == OF_THE_HOST


def all_balances(client: ApiClient) -> list[dict[str, Any]]:
    accounts = client.get(f"{API}accounts/").json()["results"]
    return [client.get(f"{API}accounts/{one['account_id']}/balance/").json() for one in accounts]


@pytest.mark.parametrize("wrong", WRONG)
def test_every_moment_that_is_kept_is_one_of_the_bank(wrong: timedelta, settings, tmp_path) -> None:
    settings.DATA_DIR = tmp_path
    before = clock.now()
    with other_host(wrong):
        make_eventful_bank()
        people_at_work()
        account = make_account(balance=50)
        deposits = [Deposit(account_id=account.id, amount=Decimal(n)) for n in (3, 4)]
        post_batch(BatchRequest(deposits, atomic=False), WORKER)
        assert examine(connection).findings == []
    after = clock.now() + timedelta(seconds=settings.WORKER_LEASE_SECONDS)
    moments = [(name, at) for name, at in told_moments() if at is not None]
    assert [(name, at) for name, at in moments if not before <= at <= after] == []
    names = {name for name, _ in moments}
    assert len(names) >= 37
    kept = {f"{model}.{name}" for model, of in MOMENTS_OF_THE_BANK.items() for name in of}
    assert names >= {*kept, "CustomerEvent.at", "Customer.updated_at", "CustomerEvent.id"}


@pytest.mark.parametrize("wrong", WRONG)
def test_both_hosts_give_the_same_balances_for_all_moments(wrong: timedelta) -> None:
    # By token, because the clock of the host ends sessions.
    client = anonymous()
    token = token_of(make_user("susan", role="supervisor"))
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    one, two = make_account(balance=50), make_account(balance=6)

    def move() -> list[str]:
        path = f"{API}accounts/{one.id}/transfer/"
        made = client.post(path, {"target_account_id": str(two.id), "amount": "2.00"}).json()
        deposited = client.post(f"{API}accounts/{one.id}/deposit/", {"amount": "1.00"}).json()
        return [made["completed_at"], deposited["created_at"], deposited["completed_at"]]

    def read(at: str) -> tuple[Any, Any]:
        balance = client.get(f"{API}accounts/{one.id}/balance/?at={quote(at)}")
        later = client.get(f"{API}transactions/?created_after={quote(at)}")
        assert (balance.status_code, later.status_code) == (200, 200), balance.content
        return balance.json(), [row["transaction_id"] for row in later.json()["results"]]

    told: dict[str, tuple[Any, Any]] = {}
    for _ in range(2):
        for at in move():
            with other_host(wrong):
                told[at] = read(at)
        with other_host(wrong):
            moments = move()
            balances = all_balances(client)
        assert balances == all_balances(client)
        told |= {at: read(at) for at in moments}
    listed = client.get(f"{API}transactions/").json()["results"]
    posted = Transaction.objects.order_by("-completed_at").values_list("pk", flat=True)
    assert [row["transaction_id"] for row in listed] == [str(pk) for pk in posted]
    assert len(told) >= 8
    for at, (balance, _) in told.items():
        assert read(at)[0] == balance
        with other_host(wrong):
            assert read(at)[0] == balance
    with other_host(wrong):
        soon = (clock.now() + timedelta(seconds=20)).isoformat()
        refused = client.get(f"{API}accounts/{one.id}/balance/?at={quote(soon)}")
    assert refused.json()["errors"][0]["code"] == "in_the_future"


@pytest.mark.parametrize("wrong", WRONG)
def test_the_queue_is_worked_off_as_if_all_clocks_were_right(wrong: timedelta) -> None:
    account, payee = make_account(balance=50), make_account()
    due = Transfer(account_id=account.id, target_account_id=payee.id, amount=Decimal(3))
    with other_host(wrong):
        (first,) = accept([due], WORKER)
    (second,) = accept([due], WORKER)
    soon = clock.now() + timedelta(minutes=5)
    (later,) = accept(
        [Deposit(account_id=account.id, amount=Decimal(1), scheduled_for=soon)], WORKER
    )
    assert first.id < second.id
    held = queue.claim("here", WORKER, batch_size=1)
    assert held.transaction_ids == [first.id]
    with other_host(wrong):
        # The scheduled transaction is not due, and no lease has expired.
        assert queue.reap(WORKER) == 0
        assert queue.lag(clock.now()) < timedelta(minutes=1)
    assert queue.release(held.lease, WORKER) == 1
    with other_host(wrong):
        assert work() == 2
    assert [outcome(row) for row in (first, second, later)] == [
        ("COMPLETED", ""),
        ("COMPLETED", ""),
        ("PENDING", ""),
    ]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_token_lasts_as_long_on_either_host(wrong: timedelta) -> None:
    user = make_user("susan", role="supervisor")
    make_account(balance=5)

    def status(token: str) -> int:
        answer = anonymous().get(f"{API}accounts/", headers={"Authorization": f"Bearer {token}"})
        return int(answer.status_code)

    here = token_of(user)
    with other_host(wrong):
        assert status(here) == 200
        there = token_of(user)
    assert status(there) == 200


def test_the_verifier_names_what_was_posted_in_the_future(monkeypatch) -> None:
    """As a host with its own clock would have posted it."""
    account = make_account(balance=5)
    monkeypatch.setattr(clock, "told", lambda moment: moment + timedelta(hours=1))
    row = run(Deposit(account_id=account.id, amount=Decimal(2)))
    monkeypatch.undo()
    (finding,) = examine(connection).findings
    assert finding.code == "M1.posted_in_the_future"
    assert [place.where for place in finding.places] == [{"transaction_id": str(row.id)}]
