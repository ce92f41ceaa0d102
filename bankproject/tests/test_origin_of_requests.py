"""Where each action of staff came from: its address and its request, in the audit log."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from oauth2_provider.models import AccessToken

from bankproject.console.audit_sources import SOURCES
from clients.tests.program import READ, Program
from core.commands import Origin
from staff.models import LogEntryOrigin, StaffSession
from staff.tests.helpers import PASSWORD, browser, enrolled, log_in, make_staff
from tests.admin import account_url, logged_in, transaction_url, words_of
from tests.api import ADDRESS, API, REQUEST_ID, client_of, make_user
from tests.assertions import refused_by_database
from tests.factories import deposit, make_account, run
from tests.routes import UPDATE_ROUTES
from transactions.commands import Deposit, Withdraw
from transactions.models import Transaction
from transactions.tests.queueing import queue_up, work

pytestmark = pytest.mark.django_db

AUDIT = "/admin/audit/"


@pytest.fixture
def susan() -> Any:
    return make_user("susan", role="supervisor")


def by_hand(susan: Any) -> None:
    """One movement of each kind in the console, and one in each way of the API."""
    account, other = make_account(balance=50), make_account(name="Bob")
    console, api = logged_in(susan), client_of(susan)
    for button, more in (("deposit", {}), ("withdraw", {}), ("transfer", {"target": other.number})):
        form = {"amount": "2.00", "key": str(uuid4()), **more}
        shown = console.post(account_url(account, button), form, follow=True)
        form["foreseen"] = shown.context["carried"]["foreseen"]
        assert (
            console.post(account_url(account, button), {**form, "confirm": "1"}).status_code == 302
        )
    row = Transaction.objects.get(type="WITHDRAW")
    done = console.post(transaction_url(row, "reverse"), {"reason": "Counted wrong"})
    assert done.status_code == 302
    path = f"{API}accounts/{account.id}/"
    assert api.post(f"{path}deposit/", {"amount": "1.00"}, format="json").status_code == 200
    later = api.post(
        f"{path}deposit/", {"amount": "1.00"}, format="json", headers={"Prefer": "respond-async"}
    )
    assert later.status_code == 202
    item = {"type": "DEPOSIT", "account_id": str(account.id), "amount": "1.00"}
    batch = api.post(f"{API}transactions/batch/", {"transactions": [item]}, format="json")
    assert batch.status_code == 200
    assert work() == 1


def test_no_movement_made_by_staff_lacks_its_address(susan: Any) -> None:
    by_hand(susan)
    made = Transaction.objects.filter(created_by=susan)
    assert made.count() == 7
    assert not made.filter(address=None).exists()
    assert not made.filter(request_id=None).exists()
    rows = logged_in(susan).get(AUDIT, {"who": "susan", "what": "transactions"})
    entries = rows.context["entries"]
    assert len(entries) == 7
    assert {entry.address for entry in entries} == {"127.0.0.1", ADDRESS}
    assert REQUEST_ID in {entry.request_id for entry in entries}
    assert all(entry.request_id for entry in entries)
    assert 'data-label="From" class="bank-none"' not in rows.content.decode()


def staff_records(root: Client) -> None:
    """Users, groups, passwords, second factors, sessions, clients and tokens, by a superuser."""
    add = {"username": "tilda", "full_name": "Tilda", "role": "teller"}
    assert root.post("/admin/auth/user/add/", add).status_code == 200
    tilda = User.objects.get(username="tilda")
    page = reverse("admin:auth_user_change", args=[tilda.pk])
    changed = add | {"role": "auditor", "is_active": "on"}
    assert root.post(page, changed).status_code == 302
    password = reverse("admin:auth_user_one_time_password", args=[tilda.pk])
    assert root.post(password).status_code == 200
    tessa = make_staff()
    enrolled(tessa)
    reset = reverse("admin:auth_user_reset_authenticator", args=[tessa.pk])
    assert root.post(reset, {"reason": "Lost phone"}).status_code == 302
    log_in(browser("192.0.2.2"), "tessa", PASSWORD)
    session = StaffSession.objects.get(user=tessa)
    assert root.post(reverse("admin:sessions"), {"session": session.pk}).status_code == 302
    for name in ("night", "day"):
        assert root.post("/admin/auth/group/add/", {"name": name}).status_code == 302
    groups = Group.objects.filter(name__in=("night", "day"))
    delete = {"action": "delete_selected", "post": "yes"}
    delete |= {"_selected_action": [group.pk for group in groups]}
    assert root.post("/admin/auth/group/", delete).status_code == 302
    assert not groups.all().exists()
    form = {"name": "Shop", "user": "tessa", "scopes": [READ], "key": str(uuid4())}
    assert root.post(reverse("admin:clients_apiclient_create_client"), form).status_code == 200
    program = Program("pamela")
    program.token()
    token = AccessToken.objects.get()
    why = {"reason": "Leaked"}
    revoke = reverse("admin:oauth2_provider_accesstoken_revoke", args=[token.pk])
    assert root.post(revoke, why).status_code == 302
    revoke = reverse("admin:clients_apiclient_revoke", args=[program.client.pk])
    assert root.post(revoke, why).status_code == 302


def test_no_row_of_staff_lacks_its_address_and_request() -> None:
    make_staff("root", is_superuser=True)
    root = browser(ADDRESS)
    log_in(root, "root", "wrong")
    assert log_in(root, "root", PASSWORD).status_code == 302
    staff_records(root)
    account = make_account(balance=50)
    renamed = {"name": "Ada King", "reason": "Married"}
    assert root.post(account_url(account, "rename"), renamed).status_code == 302
    in_json = {"content_type": "application/json"}
    root.post(f"{API}customers/", {"name": "Emmy Noether"}, **in_json)
    root.post(f"{API}accounts/{account.id}/deposit/", {"amount": "3.00"}, **in_json)
    row = Transaction.objects.get(amount=3)
    root.post(transaction_url(row, "reverse"), {"reason": "Counted wrong"})
    (queued,) = queue_up(Deposit(account_id=account.id, amount=Decimal(1)))
    root.post(transaction_url(queued, "cancel"), {"reason": "Typed twice"})
    counts = {}
    for name in SOURCES:
        page = root.get(AUDIT, {"who": "root", "what": name})
        entries = page.context["entries"]
        counts[name] = len(entries)
        assert {entry.address for entry in entries} <= {ADDRESS}, name
        assert all(entry.request_id for entry in entries), name
        assert 'data-label="From" class="bank-none"' not in page.content.decode(), name
    shown = ("accounts", "customers", "decisions", "transactions", "logins", "failed_logins")
    assert all(counts[name] for name in shown), counts
    # A user added and changed, a password, a reset, a session, two groups added and deleted, a
    # client created, a token and a client revoked.
    assert counts["staff"] == 12
    assert LogEntryOrigin.objects.count() == 12


def test_the_page_of_a_movement_says_it_under_asked_for(susan: Any) -> None:
    account = make_account()
    client_of(susan).post(f"{API}accounts/{account.id}/deposit/", {"amount": "1.00"}, format="json")
    row = Transaction.objects.get()
    words = words_of(logged_in(susan).get(transaction_url(row)).content.decode())
    asked = words[words.index("Asked for") :]
    assert f"from {ADDRESS} · request {REQUEST_ID}" in asked


def test_a_job_has_no_address_and_an_ipv6_one_is_kept() -> None:
    account = make_account(balance=5)
    (queued,) = queue_up(
        Withdraw(account_id=account.id, amount=Decimal(1)), origin=Origin(caller="job:night")
    )
    assert (queued.address, queued.request_id) == (None, None)
    origin = Origin(caller="job:x", address="2001:db8::7", request_id="r-9")
    (later,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(1)), origin=origin)
    assert (later.address, later.request_id) == ("2001:db8::7", "r-9")
    assert work() == 2
    later.refresh_from_db()
    assert (later.status, later.address, later.request_id) == ("COMPLETED", "2001:db8::7", "r-9")
    direct = run(Deposit(account_id=account.id, amount=Decimal(1)), origin).as_transaction()
    assert direct.address == Transaction.objects.get(pk=direct.pk).address == "2001:db8::7"


@pytest.mark.parametrize("route", UPDATE_ROUTES)
@pytest.mark.parametrize(("column", "value"), [("address", "192.0.2.1"), ("request_id", "other")])
def test_the_origin_never_changes(route: str, column: str, value: str) -> None:
    deposit(make_account(), 1)
    with refused_by_database("keeps the request and the address|never deleted"):
        UPDATE_ROUTES[route](Transaction.objects.get(), column, value)
