"""A small bank with something of every kind, for tests of all pages of the console."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from axes.models import AccessFailureLog, AccessLog
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone

from accounts.commands import (
    ChangeOverdraftLimit,
    CloseAccount,
    CloseCustomer,
    FreezeAccount,
    HoldDebits,
)
from accounts.states import FreezeScope
from core.commands import Origin
from desk.decisions import approve
from desk.working import work_on
from seals import keys
from seals.sealing import seal
from staff.tests.helpers import enrolled
from tests.api import make_user
from tests.factories import make_account, make_customer, make_file, make_note, make_statement, run
from tests.identities import token_of
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.commands import Deposit, PlaceHold, Reject, Reverse, Transfer, Withdraw
from transactions.models import Batch
from transactions.verifier import records as verifications
from transactions.verifier.report import Finding, Report
from webhooks import endpoints as webhooks
from webhooks.models import Endpoint
from webhooks.replay import send_test, skip

_LONG = "Charles Babbage and Sons, Instrument Makers"


def prepare(settings: Any, folder: Path) -> None:
    """Gives the test's bank a data folder of its own, and a key of seals."""
    settings.DATA_DIR = folder
    settings.SEAL_KEY = b""
    settings.SEAL_KEY_FILE = "seal_key.pem"
    keys.make_key(keys.key_path())


def make_whole_bank(part: str = "a") -> None:
    """Rows in every list, and an account and a transaction for every button; after `prepare`.

    Call it again, with another `part`, for more rows of each kind.
    """
    maker = make_user(f"maker-{part}", role="supervisor")
    _staff(part)
    with override_settings(BANK_APPROVAL_THRESHOLDS={"USD": Decimal(1000)}):
        _money(part, Origin(user_id=maker.pk, caller=f"user:{maker.pk}", address="192.0.2.9"))
    seal()
    _verifications()


def _money(part: str, origin: Origin) -> None:
    customer = make_customer(name=_LONG, user=f"owner-{part}")
    make_customer(name="Without an account")
    left = make_customer(name="Left")
    run(CloseCustomer(customer_id=left.pk, reason="Moved"))
    payer = make_account(name=_LONG, balance="900.25", customer_id=customer.pk)
    payee = make_account(name="Of nobody", balance=7)
    run(FreezeAccount(account_id=payee.id, scope=FreezeScope.DEBITS, reason="Papers"))
    run(CloseAccount(account_id=make_account(name="Closed").id, reason="Moved"))
    make_account(name="Empty")
    damaged = make_account(name="Damaged", balance=8)
    rule = "M2.balance_is_not_the_last"
    run(HoldDebits(account_id=damaged.id, rules=frozenset({rule}), reason="Verified"))
    moved = run(
        Transfer(
            account_id=payer.id,
            target_account_id=payee.id,
            amount=Decimal("12.50"),
            description="Wheels, brass, as ordered in the spring",
        ),
        origin,
    )
    archive(Selection(), origin=origin)
    held = PlaceHold(account_id=payer.id, amount=Decimal("20.75"), description="Room 7, two nights")
    run(held, origin)
    reversed_one = run(Deposit(account_id=payer.id, amount=Decimal(3)), origin)
    run(Reverse(transaction_id=reversed_one.id, reason="A mistake"), origin)
    run(Withdraw(account_id=payer.id, amount=Decimal(990)), origin)
    run(Deposit(account_id=payer.id, amount=Decimal(5000), description="House sold"), origin)
    for description in ("Twice", "Thrice"):
        more = Deposit(account_id=payer.id, amount=Decimal(6000), description=description)
        run(Reject(transaction_id=run(more, origin).id, reason="Entered before"))
    limit = ChangeOverdraftLimit(
        account_id=payer.id, overdraft_limit=Decimal(20_000), reason="A bridge"
    )
    run(limit, origin)
    for about in ("account_id", "customer_id", "transaction_id"):
        ids = {"account_id": payer.pk, "customer_id": customer.pk, "transaction_id": moved.id}
        make_note("Rang on Monday\nabout the bridge", origin, **{about: ids[about]})
    make_statement(payer)
    _files(part, payer)
    Batch.objects.create(
        id=moved.id, caller=origin.caller, idempotency_key=part, request_fingerprint="cd" * 32,
        atomic=True, refused_index=3, created_at=moved.created_at,
    )  # fmt: skip


def _files(part: str, account: Any) -> None:
    """One that waits for a second person, and one that is posted."""
    clerk, checker = (make_user(f"{name}-{part}", role="supervisor") for name in ("clerk", "check"))
    make_file(account, clerk, "2.25", name=f"fees-{part}.csv")
    posted = make_file(account, clerk, "1", "2", name=f"interest-{part}.csv")
    approve(posted.pk, Origin(user_id=checker.pk, caller=f"user:{checker.pk}"), "As every month")
    posted.refresh_from_db()
    work_on(posted)


def _staff(part: str) -> None:
    """Users, clients, tokens, authenticators and logins."""
    teller = make_user(f"teller-{part}", role="teller")
    enrolled(teller)
    token_of(make_user(f"program-{part}", role="teller"))
    by = Origin(user_id=teller.pk, caller=f"user:{teller.pk}", as_customer=True)
    hook, _ = webhooks.make(teller, by, url="https://shop.example/hook")
    skip(hook, by, send_test(hook, by).event_id)
    send_test(hook, by)
    switched_off, _ = webhooks.make(teller, by, url="https://shop.example/former")
    webhooks.change(switched_off, by, {"is_on": False})
    failing, _ = webhooks.make(teller, by, url="https://shop.example/busy")
    now = timezone.now()
    Endpoint.objects.filter(pk=failing.pk).update(
        failing_since=now, next_at=now + timedelta(hours=4)
    )
    login: dict[str, Any] = {"username": teller.username, "ip_address": "192.0.2.9"}
    AccessLog.objects.create(**login)
    AccessFailureLog.objects.create(**login)
    User.objects.filter(pk=teller.pk).update(last_login=timezone.now())


def _verifications() -> None:
    """One that was broken, and a later one."""
    now = timezone.now()
    finding = Finding("M3.sum", "The entries add up to zero.", count=2)
    broken = Report(checked={"accounts": 3}, findings=[finding])
    early = now - timedelta(minutes=9)
    verifications.record(broken, started_at=early, finished_at=early + timedelta(seconds=4))
    sound = Report(checked={"accounts": 3}, findings=[])
    verifications.record(sound, started_at=now, finished_at=now + timedelta(seconds=4))
