"""The database keeps runs as they ended."""

import pytest
from django.db import IntegrityError, connection, transaction

from core.clock import now
from core.database_objects import DatabaseObject
from jobs.guards import GUARDS
from jobs.models import JobRun
from jobs.runs import ask_for, claim, finish
from jobs.tests.daily_bank import DAY, ORIGIN
from tests.assertions import require_control
from transactions.tests.damaged_ledger import execute

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_its_guard_it_goes_through(guard: DatabaseObject) -> None:
    if guard.name.endswith("_no_truncate") and connection.vendor == "sqlite":
        pytest.skip("SQLite has no TRUNCATE.")
    run, _ = ask_for("verify_ledger", DAY, origin=ORIGIN)
    lease = claim(run.pk, "me")
    assert lease is not None
    assert finish(lease, {})
    statement = {
        "jobs_jobrun_no_truncate": "TRUNCATE jobs_jobrun",
        "jobs_jobrun_no_delete": "DELETE FROM jobs_jobrun",
        "jobs_jobrun_final": "UPDATE jobs_jobrun SET attempts = attempts",
    }[guard.name]
    require_control(guard, lambda: execute(statement))


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "RUNNING"},
        {"outcome": "DONE"},
        {"outcome": "ODD"},
        {"ended_at": now},
        {"lease_expires_at": now},
    ],
)
def test_the_database_refuses_what_cannot_be(wrong: dict[str, object]) -> None:
    run, _ = ask_for("verify_ledger", DAY, origin=ORIGIN)
    values = {name: value() if callable(value) else value for name, value in wrong.items()}
    with pytest.raises(IntegrityError), transaction.atomic():
        JobRun.objects.filter(pk=run.pk).update(**values)


def test_the_database_knows_one_run_for_a_date() -> None:
    run, _ = ask_for("verify_ledger", DAY, origin=ORIGIN)
    run.pk = run.pk.__class__(int=run.pk.int + 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        run.save(force_insert=True)
