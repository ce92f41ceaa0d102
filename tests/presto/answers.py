"""The twelve queries on a real Presto: the same answers, from the views and from the lake."""

import json
import secrets
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from analytics.catalog import QUERIES
from analytics.database import TookTooLong
from analytics.presto import PrestoEngine, PrestoFailed
from analytics.relations import ROLE, SCHEMA
from analytics.tests.sample_bank import TODAY, make_sample_bank
from core.money import to_units
from statements.tests.monthly_bank import at
from tests.conftest import NO_PRESTO
from tests.presto.server import catalogs, fetched, make_table, make_views, presto_server
from transactions.models import Transaction

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

_SPAN = ("first=2025-09-01", "last=2025-11-30")
PARAMETERS: dict[str, tuple[str, ...]] = {
    "largest_accounts": ("top=2", "currency=USD"),
    "largest_customers": (),
    "dormant_accounts": ("since=2025-11-01", "least=0.01"),
    "trial_balance": (),
}


@pytest.fixture
def analyst(patient: None) -> Any:
    """The password of the role, which sees the views of an operator's psql."""
    if connection.vendor != "postgresql" or shutil.which("psql") is None:
        pytest.skip(f"{NO_PRESTO}: it needs PostgreSQL and psql.")
    fetched()
    password = secrets.token_hex(16)
    make_views(password)
    yield password
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE; DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


def answer(name: str, *words: str) -> Any:
    out = StringIO()
    given = [f"--param={word}" for word in words]
    call_command("query", name, "--format=json", "--timeout=120", *given, stdout=out)
    return json.loads(out.getvalue())


def test_presto_answers_as_the_database_does(analyst: str, settings: Any, tmp_path: Path) -> None:
    (lake := tmp_path / "lake").mkdir()
    make_sample_bank(tmp_path, settings)
    number = answer("largest_accounts", "top=1", "currency=USD")["rows"][0]["account"]
    asked = {name: PARAMETERS.get(name, _SPAN) for name in QUERIES}
    asked["account_at_month_ends"] = (f"account={number}", *_SPAN)
    with at(TODAY):
        expected = {name: answer(name, *words) for name, words in asked.items()}
        call_command("export_lake", f"--dir={lake}", "--before=2025-11-01", stdout=StringIO())
    (server := tmp_path / "presto").mkdir()
    with presto_server(server, catalogs(analyst, tmp_path / "metastore")) as url:
        settings.PRESTO_URL = url
        for name, words in asked.items():
            assert answer(name, *words) == expected[name], name
        _ask_the_lake(PrestoEngine(url), lake)
        _try_what_is_refused(PrestoEngine(url))
    with pytest.raises(CommandError, match=r"Presto at 127\.0\.0\.1:\d+ does not answer\."):
        answer("trial_balance")


def _ask_the_lake(presto: PrestoEngine, lake: Path) -> None:
    """Closed days from the lake and newer ones from the bank add up to the ledger."""
    make_table(presto, lake)
    both = (
        "SELECT currency, COUNT(*), SUM(amount) FROM ("
        " SELECT currency, amount FROM lake.bank.transactions"
        " UNION ALL SELECT currency, amount FROM transactions"
        " WHERE posting_day >= DATE '2025-11-01') GROUP BY currency ORDER BY currency"
    )
    found = {currency: (count, amount) for currency, count, amount in presto.fetch(both, 60)}
    for currency in ("JPY", "USD"):
        posted = Transaction.objects.filter(status="COMPLETED", currency=currency)
        amounts = list(posted.values_list("amount", flat=True))
        count, amount = found[currency]
        assert (count, to_units(presto.amount(amount))) == (
            len(amounts),
            to_units(sum(amounts)),
        )
    joined = (
        "SELECT COUNT(*) FROM lake.bank.transactions l JOIN transactions t"
        " ON CAST(t.id AS varchar) = l.id AND t.amount = l.amount"
        " AND t.posting_day = l.posting_day AND t.currency = l.currency"
    )
    assert presto.fetch(joined, 60) == [[6]]


def _try_what_is_refused(presto: PrestoEngine) -> None:
    plan = "EXPLAIN SELECT COUNT(*) FROM transactions WHERE posting_day = DATE '2025-10-31'"
    assert 'domains={posting_day=[ [["2025-10-31"]] ]}' in presto.fetch(plan, 60)[0][0]
    for statement, words in {
        "DELETE FROM transactions": "refuses the query",
        "CREATE TABLE bank.analytics.mine AS SELECT 1 AS one": "refuses the query",
        "SELECT * FROM bank.public.accounts_account": "permission denied",
        "SELECT FROM": "mismatched input",
    }.items():
        with pytest.raises(PrestoFailed, match=words):
            presto.fetch(statement, 60)
    slow = "SELECT COUNT(*) FROM UNNEST(sequence(1, 9000)) a CROSS JOIN UNNEST(sequence(1, 9000)) b"
    with pytest.raises(TookTooLong):
        presto.fetch(f"{slow} CROSS JOIN UNNEST(sequence(1, 9000)) c", 1)
