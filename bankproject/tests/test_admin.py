"""The admin as a whole: visible only with the right to see it, and unable to change the ledger."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts.commands import FreezeAccount
from accounts.words import AccountWord, UserWord
from core.console.admin import ReadOnlyModelAdmin
from core.identifiers import uuid7
from customers.words import CustomerWord
from desk.models import DeskContent
from tests.assertions import nothing_changes, stored
from tests.factories import (
    make_account,
    make_customer,
    make_file,
    make_hold,
    make_limit_request,
    make_note,
    make_statement,
    run,
)
from transactions.models import (
    ApprovalMail,
    ArchiveRun,
    ArchiveSegment,
    Batch,
    DaySummary,
    HoldCapture,
    HoldEvent,
    HoldItem,
    Transaction,
    TransactionEvent,
)
from transactions.verifier import Report
from transactions.verifier import records as verifications

pytestmark = pytest.mark.django_db

# The page of an archive run shows its segments, the page Statistics what the summaries of days add
# up to, a search what the words of names lead to, and the page of a file its content. None has a
# page of its own.
UNLISTED = {
    *(AccountWord, ApprovalMail, ArchiveSegment, DeskContent),
    *(CustomerWord, DaySummary, HoldCapture, HoldEvent, HoldItem, UserWord),
}
LEDGER = [
    model
    for app in ("customers", "accounts", "transactions", "statements", "desk")
    for model in apps.get_app_config(app).get_models()
    if model not in UNLISTED
]
PASSWORD = "correct horse battery staple"


@pytest.fixture
def rows() -> dict[type[Model], Any]:
    """A row of every model of the ledger."""
    account = make_account(balance="12.50")
    make_hold(account, 1)
    run(FreezeAccount(account_id=account.id, reason="Court order"))
    make_limit_request(account)
    make_statement(account)
    make_customer()
    make_file(account, User.objects.create_user("maker", is_staff=True))
    make_note(account_id=account.pk)
    now = timezone.now()
    transaction = Transaction.objects.get()
    TransactionEvent.objects.create(
        id=uuid7(now),
        transaction=transaction,
        event="lease_expired",
        from_status="PROCESSING",
        to_status="PENDING",
        detail={},
        at=now,
    )
    Batch.objects.create(id=uuid7(now), caller="user:1", atomic=True, created_at=now)
    ArchiveRun.objects.create(id=uuid7(now), started_at=now, sums={"USD": "12.50"})
    report = Report(checked={"accounts": 2}, findings=[])
    verifications.record(report, started_at=now, finished_at=now)
    return {model: model._default_manager.first() for model in LEDGER}


def page(model: type[Model], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def staff_member(*rights: str) -> Client:
    user = User.objects.create_user(f"staff-{User.objects.count()}", is_staff=True)
    for right in rights:
        app, codename = right.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    client = Client()
    client.force_login(user)
    return client


def test_every_model_of_the_ledger_is_there_and_read_only() -> None:
    registered = {model: type(page) for model, page in admin.site._registry.items()}
    assert set(LEDGER) <= set(registered)
    assert all(issubclass(registered[model], ReadOnlyModelAdmin) for model in LEDGER)
    assert all(issubclass(registered[model], ModelAdmin) for model in (User, Group))


@pytest.mark.parametrize("model", LEDGER)
def test_a_superuser_reads_and_changes_nothing(
    model: type[Model], rows: dict[type[Model], Any], admin_client: Client
) -> None:
    key = rows[model].pk
    readable = [page(model, "changelist"), page(model, "change", key)]
    refused = [page(model, "add"), page(model, "delete", key)]
    columns = {field.name: "1" for field in model._meta.fields}
    action = {"action": "delete_selected", "_selected_action": [str(key)], "post": "yes"}
    with nothing_changes():
        before = stored(model)
        assert [admin_client.get(url).status_code for url in readable] == [200, 200]
        assert [admin_client.get(url).status_code for url in refused] == [403, 403]
        for url in (*readable, *refused):
            for body in (columns, action, {"_save": "Save", **columns}):
                assert admin_client.post(url, body).status_code == 403
        assert stored(model) == before


@pytest.mark.parametrize("model", LEDGER)
def test_reading_takes_the_right_to_view(
    model: type[Model], rows: dict[type[Model], Any], client: Client
) -> None:
    urls = [page(model, "changelist"), page(model, "change", rows[model].pk)]
    name = f"{model._meta.app_label}.view_{model._meta.model_name}"
    others = {f"{m._meta.app_label}.view_{m._meta.model_name}" for m in LEDGER} - {name}
    without = staff_member(*others, "accounts.manage_account", "transactions.post_transaction")
    assert [without.get(url).status_code for url in urls] == [403, 403]
    assert [client.get(url).status_code for url in urls] == [302, 302]
    reader = staff_member(name)
    assert [reader.get(url).status_code for url in urls] == [200, 200]


@pytest.mark.parametrize("model", LEDGER)
def test_every_column_is_on_the_page(model: type[Model]) -> None:
    """Amounts and flags appear in words, under another name."""
    shown = set(flatten_fieldsets(admin.site._registry[model].fieldsets))
    in_words = {
        "status": "shown_status",
        "currency": "named_currency",
        "limits": "money_overdraft_limit",
        "max_amount": "payment_limits",
        "daily_amount": "payment_limits",
        "daily_count": "payment_limits",
        "debits_blocked": "blocked",
        "credits_blocked": "blocked",
        "approval_required": "needs_approval",
        "failure_code": "failure",
        "event": "shown_event",
        "from_status": "step",
        "to_status": "step",
        "atomic": "all_or_nothing",
        "expected": "dry_run",
        "is_sound": "books",
        "checked": "shown_checked",
        "findings": "shown_findings",
        "places": "shown_findings",  # A table below the fields.
        "bounds": "shown_bounds",
        "sums": "amounts",
        "file_start": "bytes_in_file",
        "file_end": "bytes_in_file",
        "text": "whole_text",
        "account": "of_account",
        "first_sequence": "entries",
        "last_sequence": "entries",
        "previous": "before",
        "digest": "shown_digest",
        "seal_number": "shown_seal",
        "seal_digest": "shown_seal",
    }
    # `who` shows the member of staff, or else the job.
    if model is ArchiveRun:
        in_words |= {"actor": "who", "caller": "who"}
    for field in model._meta.concrete_fields:
        name = field.name
        assert shown & {name, f"money_{name}", in_words.get(name, name)}, name


def test_navigation_shows_what_one_may_see(rows: dict[type[Model], Any]) -> None:
    html = staff_member("transactions.view_entry").get(reverse("admin:index")).content.decode()
    changelists = [page(model, "changelist") for model in (*LEDGER, User, Group)]
    assert [url for url in changelists if f'href="{url}"' in html] == [
        reverse("admin:transactions_entry_changelist")
    ]


def test_pages_carry_the_name_of_the_bank(client: Client) -> None:
    html = client.get(reverse("admin:login")).content.decode()
    assert f"Log in | {settings.BANK_NAME}" in " ".join(html.split())


def test_no_page_asks_another_host(rows: dict[type[Model], Any], admin_client: Client) -> None:
    urls = [reverse("admin:index"), *(page(model, "changelist") for model in LEDGER)]
    urls += [page(model, "change", row.pk) for model, row in rows.items()]
    for url in urls:
        html = admin_client.get(url).content.decode()
        assert (
            re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?:https?:)?//[^\"]+", html) == []
        )


def test_users_stay(admin_client: Client) -> None:
    user = User.objects.create_user("leaver", is_staff=True)
    assert admin_client.post(page(User, "delete", user.pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
    admin_client.post(page(User, "changelist"), action)
    assert User.objects.filter(pk=user.pk).exists()


def test_one_changes_ones_own_password_but_not_to_a_weak_one() -> None:
    user = User.objects.create_user("staff", password=PASSWORD, is_staff=True)
    client = Client()
    client.force_login(user)
    for new, status in [("short", 200), (PASSWORD[::-1], 302)]:
        form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        assert client.post(reverse("admin:password_change"), form).status_code == status
        user.refresh_from_db()
        assert user.check_password(new) is (status == 302)
