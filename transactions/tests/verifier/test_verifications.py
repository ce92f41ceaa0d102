"""Stored verification results, for staff."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.database import all_objects, drop_objects
from core.database_objects import backend_of
from core.guards import refuse
from tests.assertions import refused_by_database
from tests.factories import make_account
from tests.routes import DELETE_ROUTES, UPDATE_ROUTES
from transactions.guards.journal import VERIFICATIONS
from transactions.models import Verification
from transactions.verifier import records as verifications
from transactions.verifier.report import Finding, Report


@pytest.mark.django_db(transaction=True)
def test_the_command_records_what_it_found() -> None:
    make_account(balance="12.5")
    before = timezone.now()
    call_command("verify_ledger", "--no-record", stdout=StringIO())
    assert verifications.last_verification() is None
    call_command("verify_ledger", stdout=StringIO())
    sound = Verification.objects.get()
    assert sound.is_sound
    assert sound.findings == {}
    assert (sound.checked["accounts"], sound.checked["transactions"]) == (2, 1)
    assert before < sound.started_at < sound.finished_at < timezone.now()

    # The guards are restored when the test's database is emptied.
    drop_objects(connection, kinds=("trigger",))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_account SET last_sequence = 7 WHERE last_sequence = 1")
    with pytest.raises(SystemExit):
        call_command("verify_ledger", "--json", stdout=StringIO())
    broken = verifications.last_verification()
    assert broken is not None
    assert not broken.is_sound
    assert broken.findings == {
        "L3.guard_missing": len([o for o in all_objects(connection.vendor) if o.kind == "trigger"]),
        "M2.last_sequence": 1,
    }


@pytest.mark.django_db(transaction=True)
def test_a_bank_that_refuses_the_record_still_gets_its_report() -> None:
    refusal = refuse("nobody_records", VERIFICATIONS, "INSERT", "nobody records")
    backend = backend_of(connection)
    with connection.cursor() as cursor:
        backend.create(cursor, refusal)
        out, errors = StringIO(), StringIO()
        try:
            call_command("verify_ledger", stdout=out, stderr=errors)
        finally:
            backend.drop(cursor, refusal)
    assert "Nothing found: every rule holds." in out.getvalue()
    assert "The result could not be recorded: nobody records" in errors.getvalue()
    assert verifications.last_verification() is None


@pytest.fixture
def kept(db: None) -> Verification:
    now = timezone.now()
    report = Report(checked={"accounts": 1234}, findings=[Finding("M3.sum", "Zero.", count=2)])
    return verifications.record(report, started_at=now, finished_at=now)


@pytest.mark.parametrize("route", DELETE_ROUTES)
def test_results_are_never_deleted(route: str, kept: Verification) -> None:
    with refused_by_database("results of verifications are never deleted"):
        DELETE_ROUTES[route](kept)


@pytest.mark.parametrize("route", UPDATE_ROUTES)
def test_results_never_change(route: str, kept: Verification) -> None:
    with refused_by_database(r"results of verifications (never change|are never deleted)"):
        UPDATE_ROUTES[route](kept, "is_sound", True)


def test_staff_read_them_in_words(kept: Verification, admin_client: Client) -> None:
    html = admin_client.get(reverse("admin:transactions_verification_changelist")).content.decode()
    for words in ("Broken", "1,234 accounts", "M3.sum: 2"):
        assert words in html
