"""Flush empties test databases, and no others."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from accounts.models import Account
from core import database
from core.database import missing_objects
from core.management.commands import flush
from tests.api import make_user
from tests.assertions import nothing_changes, refused_by_database
from tests.factories import make_account
from transactions.models import Transaction


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_superuser", [True, False])
def test_a_test_database_is_emptied_and_guarded_again(is_superuser: bool, monkeypatch) -> None:
    monkeypatch.setattr(flush, "_is_superuser", lambda _: is_superuser)
    staff_with_account()
    rights = Permission.objects.count()
    database.drop_objects(connection, kinds=("trigger",))
    call_command("flush", interactive=False, verbosity=0)
    assert (Account.objects.count(), Transaction.objects.count()) == (0, 0)
    assert get_user_model().objects.count() == 0
    assert Permission.objects.count() == rights > 0
    assert missing_objects(connection) == []
    account = staff_with_account()
    with refused_by_database("never deleted"):
        Account.objects.filter(pk=account.pk)._raw_delete("default")


def staff_with_account() -> Account:
    """The role's group is there before the flush and after it."""
    make_user("tess", role="teller")
    return make_account(balance=7)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_superuser", [True, False])
def test_a_flush_that_fails_leaves_the_guards(is_superuser: bool, monkeypatch) -> None:
    empty = flush._empty

    def fail(*arguments: Any) -> None:
        empty(*arguments)
        raise CommandError("half way")

    monkeypatch.setattr(flush, "_is_superuser", lambda _: is_superuser)
    monkeypatch.setattr(flush, "_empty", fail)
    account = make_account(balance=7)
    with nothing_changes(), pytest.raises(CommandError, match="half way"):
        call_command("flush", interactive=False, verbosity=0)
    assert missing_objects(connection) == []
    with refused_by_database("never deleted"):
        Account.objects.filter(pk=account.pk)._raw_delete("default")
    monkeypatch.undo()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["bank", "memory_bank", "latest_bank", Path("/data/test_bank/bank.sqlite3")]
)
def test_a_bank_is_never_flushed(name: str | Path, monkeypatch) -> None:
    make_account(balance=7)
    monkeypatch.setitem(connection.settings_dict, "NAME", name)
    with nothing_changes(), pytest.raises(CommandError, match="never flushed"):
        call_command("flush", interactive=False, verbosity=0)
    assert missing_objects(connection) == []
