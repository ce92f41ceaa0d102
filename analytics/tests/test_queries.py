"""Named queries: the answers that the documents show, and sums that are the ledger's."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.models import Count, Sum

from accounts.models import Account
from analytics.catalog import AMOUNTS, QUERIES
from analytics.database import DatabaseEngine, TookTooLong, read_only
from analytics.presto import literal
from analytics.relations import COLUMNS
from analytics.tests.sample_bank import TODAY, make_sample_bank, names
from deploy.presto import views
from statements.tests.monthly_bank import at
from tests.factories import make_account, run
from tests.http import free_port
from transactions.commands import Deposit
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "queries.md"
_SAMPLE = re.compile(
    r"^    \.venv/bin/python manage\.py query (.*)\n\n((?:    .*\n)+)", re.MULTILINE
)
_SPAN = ("--param=first=2025-09-01", "--param=last=2025-11-30")


@pytest.fixture
def _sample(settings: Any, tmp_path: Path) -> Iterator[None]:
    make_sample_bank(tmp_path, settings)
    with at(TODAY):
        yield


def called(*words: str) -> str:
    out = StringIO()
    call_command("query", *words, stdout=out)
    return out.getvalue()


def rows(name: str, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(called(name, "--format=json", *words))["rows"]
    return found


def refused(*words: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        called(*words)
    return caught.value.returncode, str(caught.value)


@pytest.mark.usefixtures("_sample")
def test_the_documents_show_the_answer_of_each_query() -> None:
    samples = _SAMPLE.findall(PAGE.read_text("utf-8"))
    assert sorted({words.split()[0] for words, _ in samples}) == sorted(QUERIES)
    shown_for = {shown: number for number, shown in names().items()}
    for words, answer in samples:
        asked = [shown_for.get(part, part) for part in re.split(r"([ =])", words)]
        found = called(*"".join(asked).split())
        for made_up, shown in names().items():
            found = found.replace(made_up, shown)
        assert found == "".join(line[4:] for line in answer.splitlines(keepends=True)), words


@pytest.mark.usefixtures("_sample")
def test_sums_are_those_of_the_ledger() -> None:
    posted = {
        each["currency"]: (each["count"], each["total"])
        for each in Transaction.objects.filter(status="COMPLETED")
        .order_by()
        .values("currency")
        .annotate(count=Count("id"), total=Sum("amount"))
    }
    for name in ("volume_by_day", "volume_by_type", "live_and_archived"):
        found = dict.fromkeys(posted, (0, Decimal(0)))
        for row in rows(name, *_SPAN):
            count, total = found[row["currency"]]
            found[row["currency"]] = (
                count + row["transactions"],
                total + Decimal(row["amount"]),
            )
        assert found == posted, name
    assert sum(row["archived"] for row in rows("live_and_archived", *_SPAN)) == 2
    balances = {
        each["currency"]: each["total"]
        for each in Account.objects.filter(kind="CUSTOMER")
        .order_by()
        .values("currency")
        .annotate(total=Sum("balance"))
    }
    for row in rows("trial_balance"):
        assert Decimal(row["difference"]) == 0
        assert Decimal(row["customers"]) == Decimal(row["stored"]) == balances[row["currency"]]
    ends = rows("balances_at_month_ends", *_SPAN)[-len(balances) :]
    assert {row["currency"]: Decimal(row["balance"]) for row in ends} == balances


@pytest.mark.usefixtures("_sample")
def test_days_are_those_of_the_bank(settings: Any) -> None:
    """The last moment of October in UTC is one of November in Tokyo."""
    settings.TIME_ZONE = "Asia/Tokyo"
    days = [row["day"] for row in rows("volume_by_day", *_SPAN, "--param=currency=USD")]
    assert days == ["2025-09-10", "2025-10-05", "2025-11-01", "2025-11-03"]
    assert [row["month"] for row in rows("live_and_archived", *_SPAN)].count("2025-11") == 2


def test_what_is_wrong_is_told() -> None:
    assert refused("nonsense")[0] == 2
    for words, text in {
        "volume_by_day --param first=soon": "First day (first): A day is written as 2026-01-31.",
        "volume_by_day --param first=2025-02-30": "First day (first): There is no such day.",
        "volume_by_day --param first=2030-01-01": "The last day is before the first.",
        "volume_by_day --param first=1970-01-01": "The days are of more than 240 months.",
        "volume_by_day --param currency=usd": "Currency (currency): A currency is a code",
        "volume_by_day --param top=3": "volume_by_day has no parameter 'top'. Its parameters: fi",
        "volume_by_day --param first": "--param 'first': each is written once, as KEY=VALUE.",
        "largest_accounts --param top=1001": "Rows of each currency (top): A whole number",
        "dormant_accounts --param least=-1": "Least balance (least): An amount is written as",
        "account_at_month_ends": "Account number (account) is required.",
        "account_at_month_ends --param account=1'--": "Account number (account): An account numb",
    }.items():
        code, told = refused(*words.split())
        assert code == 2
        assert told.startswith(text)
    lines = called().splitlines()
    assert [line.split()[0] for line in lines] == list(QUERIES)
    assert called("volume_by_day", "--format=csv") == "day,currency,transactions,amount\n"


def test_nothing_is_written_and_nothing_runs_for_long() -> None:
    """Whatever a query's text says."""
    with (
        pytest.raises(DatabaseError, match=r"read-?only"),
        read_only(5),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM transactions_batch")
    slow = "SELECT pg_sleep(30) FROM months"
    if connection.vendor == "sqlite":
        slow = (
            "SELECT (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT COUNT(*) FROM n) FROM months"
        )
    with pytest.raises(TookTooLong, match=r"longer than 0\.2 seconds, and was stopped"):
        DatabaseEngine().rows(slow, {}, ["2026-01"], 0.2)
    run(Deposit(account_id=make_account().pk, amount=Decimal(1)))  # It can write again.


def test_relations_have_no_personal_data() -> None:
    names_of_people = {"name", "description", "email", "phone", "address", "note", "metadata"}
    assert not any(names_of_people & set(columns) for columns in COLUMNS.values())
    for query in QUERIES.values():
        assert "currency" in query.columns
        assert set(query.bars) <= set(query.columns)
        assert query.bars[1] in AMOUNTS | {"transactions"}


def test_a_join_names_the_large_relation_first() -> None:
    """Presto keeps the second one in memory, and has no statistics to choose by."""
    for query in QUERIES.values():
        assert re.search(r"JOIN (entries|transactions)\b", query.sql) is None, query.name


def test_the_file_of_views_is_what_the_code_says() -> None:
    assert views.FILE.read_text("utf-8") == views.text()


def test_a_presto_that_is_down_is_one_sentence(settings: Any) -> None:
    settings.PRESTO_URL = f"http://ada@127.0.0.1:{free_port()}"
    address = settings.PRESTO_URL.partition("@")[2]
    assert refused("trial_balance") == (1, f"Presto at {address} does not answer.")
    for value, written in {
        "O'Hara": "'O''Hara'",
        Decimal("0.01"): "DECIMAL '0.01'",
        TODAY.date(): "DATE '2025-12-01'",
        7: "7",
    }.items():
        assert literal(value) == written
