"""Flush empties test databases, and no others."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.core.management.commands import flush
from django.db import connection

from accounts.models import Account
from core.database import missing_objects
from tests.assertions import nothing_changes, refused_by_database
from tests.factories import make_account
from transactions.models import Transaction


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("inhibit_post_migrate", [False, True])
def test_a_test_database_is_emptied_and_guarded_again(inhibit_post_migrate: bool) -> None:
    make_account(balance=7)
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=inhibit_post_migrate)
    assert (Account.objects.count(), Transaction.objects.count()) == (0, 0)
    assert missing_objects(connection) == []
    account = make_account(balance=7)
    with refused_by_database("never deleted"):
        Account.objects.filter(pk=account.pk)._raw_delete("default")


@pytest.mark.django_db(transaction=True)
def test_a_flush_that_fails_leaves_the_guards(monkeypatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise CommandError("half way")

    monkeypatch.setattr(flush.Command, "handle", fail)
    make_account(balance=7)
    with nothing_changes(), pytest.raises(CommandError, match="half way"):
        call_command("flush", interactive=False, verbosity=0)
    assert missing_objects(connection) == []


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
