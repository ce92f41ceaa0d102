"""Hostile text in any column that people or programs fill stays text on every staff page."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection, models
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts.commands import FreezeAccount
from clients.registry import create_client
from core.database import drop_objects
from core.identifiers import uuid7
from tests.factories import make_account, make_customer, make_hold, make_note, run
from transactions.commands import Retry, Transfer
from transactions.models import ArchiveRun, Batch, Transaction
from transactions.verifier import Report
from transactions.verifier import records as verifications

pytestmark = pytest.mark.django_db

# Harmless as text. As markup it would become an element, or break out of an attribute.
HOSTILE = "<b id=x1>\"'"
_MARKUP = re.compile(r"<b id=x1>|[\"']<b id=x1")
_APPS = ("customers", "accounts", "transactions", "clients", "staff")
# The bank sets these from its own lists of words, and a CHECK refuses others.
_WORDS = ("status", "type", "kind", "currency", "event", "from_status", "to_status")


@pytest.fixture
def rows() -> None:
    """A row of every model that the console lists, with hostile text wherever possible."""
    owner = User.objects.create_user(HOSTILE, first_name=HOSTILE, last_name=HOSTILE)
    customer = make_customer(user=HOSTILE)
    one, other = make_account(balance=9, customer_id=customer.pk), make_account()
    run(FreezeAccount(account_id=one.id, reason=HOSTILE))
    source, target = {"account_id": one.id}, {"target_account_id": other.id}
    failed = run(Transfer(**source, **target, amount=Decimal(4), description=HOSTILE))
    run(Retry(transaction_id=failed.id, reason=HOSTILE))
    make_note(HOSTILE, account_id=one.id)
    make_hold(make_account(balance=1), 1, description=HOSTILE)
    now = timezone.now()
    Batch.objects.create(id=uuid7(now), caller=HOSTILE, atomic=True, created_at=now)
    ArchiveRun.objects.create(
        id=uuid7(now), started_at=now, finished_at=now, sums={"USD": "9.00"}, problem=HOSTILE
    )
    verifications.record(Report(checked={HOSTILE: 2}, findings=[]), started_at=now, finished_at=now)
    client, _ = create_client(HOSTILE, user=owner, scopes=["accounts:read"])
    AccessToken.objects.create(
        application=client, scope=HOSTILE, token=HOSTILE, expires=now + timedelta(hours=1)
    )
    drop_objects(connection, kinds=("trigger",))
    for app in _APPS:
        for model in apps.get_app_config(app).get_models():
            _fill(model)


def _fill(model: type[models.Model]) -> None:
    """Writes the hostile text into each column that has room for it, past the ledger's guards."""
    for field in model._meta.concrete_fields:
        is_text = isinstance(field, models.CharField | models.TextField)
        if not is_text or field.primary_key or field.unique or field.name in _WORDS:
            continue
        if field.max_length is not None and field.max_length < len(HOSTILE):
            continue
        rows = model._default_manager.exclude(**{field.name: ""}).exclude(
            **{f"{field.name}__isnull": True}
        )
        first = rows.order_by("pk").first()
        if first is not None and model._meta.managed:
            rows.filter(pk=first.pk).update(**{field.name: HOSTILE})


def pages(user: User) -> list[str]:
    """The list of each model, and the page of each row on it if there is one."""
    request = RequestFactory().get("/")
    request.user = user
    found = []
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        if page.has_view_permission(request):
            rows = model._default_manager.all()[:4]
            found += [reverse(f"{name}_change", args=[row.pk]) for row in rows]
    return found


def test_no_page_takes_a_name_for_markup(rows: None) -> None:
    user, browser, shown = User.objects.create_superuser("root"), Client(), 0
    browser.force_login(user)
    paths = [*pages(user), reverse("admin:index"), reverse("audit"), reverse("approvals")]
    for path in paths:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        text: Any = answer.content.decode()
        assert not _MARKUP.search(text), path
        shown += "&lt;b id=x1&gt;" in text
    # The pages show the texts, and the walk covers the whole console.
    assert len(paths) > 30
    assert shown > 20
    assert Transaction.objects.filter(description=HOSTILE).exists()
