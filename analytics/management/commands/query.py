"""`manage.py query NAME`: a named query, answered as a table, CSV or JSON."""

import csv
import json
from argparse import ArgumentParser
from decimal import Decimal
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from analytics.answers import MOST_ROWS, Answer, Engine, ask
from analytics.catalog import QUERIES, query_named
from analytics.database import DatabaseEngine, TookTooLong
from analytics.parameters import WrongParameter
from analytics.presto import PrestoEngine, PrestoFailed
from core.arguments import positive
from core.failures import told
from core.results import PROBLEM, WRONG_USE


class Command(BaseCommand):
    help = (
        "Answers a named query about the whole bank, without a right to write. Without a name it"
        " lists the queries. Exit codes: 0 answered; 1 failed, or stopped at the time-out; 2 wrong"
        " arguments."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="the name of the query")
        parser.add_argument(
            "--param",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="a parameter, as in first=2026-01-31; may be repeated",
        )
        parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
        parser.add_argument(
            "--timeout",
            type=positive,
            default=settings.STATEMENT_TIMEOUT_SECONDS,
            metavar="SECONDS",
            help="when to stop the query (default: BANK_STATEMENT_TIMEOUT_SECONDS)",
        )

    def handle(
        self,
        *,
        name: str | None,
        param: list[str],
        format: str,  # noqa: A002 - the name of the option
        timeout: int,
        **_options: Any,
    ) -> None:
        if name is None:
            self.stdout.write("\n".join(_listed()))
            return
        try:
            answer = ask(query_named(name), _given(param), _engine(), seconds=timeout)
        except WrongParameter as problem:
            raise CommandError(str(problem), returncode=WRONG_USE) from problem
        except (TookTooLong, PrestoFailed) as problem:
            raise CommandError(str(problem), returncode=PROBLEM) from problem
        except DatabaseError as problem:
            raise CommandError(told(problem), returncode=PROBLEM) from problem
        if answer.is_cut:
            self.stderr.write(f"Only the first {MOST_ROWS:,} rows.")
        self.stdout.write(_WRITERS[format](answer))


def _engine() -> Engine:
    """Presto where PRESTO_URL names one, else the bank's own database."""
    return PrestoEngine(settings.PRESTO_URL) if settings.PRESTO_URL else DatabaseEngine()


def _given(words: list[str]) -> dict[str, str]:
    """The parameters by name. Raises WrongParameter."""
    found: dict[str, str] = {}
    for word in words:
        key, is_pair, value = word.partition("=")
        if not is_pair or key in found:
            raise WrongParameter(f"--param {word!r}: each is written once, as KEY=VALUE.")
        found[key] = value
    return found


def _listed() -> list[str]:
    width = max(len(name) for name in QUERIES)
    lines = []
    for query in QUERIES.values():
        names = ", ".join(each.name for each in query.parameters)
        lines.append(f"{query.name:<{width}}  {query.meaning}{f' ({names})' if names else ''}")
    return lines


def as_table(answer: Answer) -> str:
    """Columns in line; figures to the right."""
    texts = answer.texts()
    columns = list(zip(answer.query.columns, *texts, strict=True))
    widths = [max(len(text) for text in column) for column in columns]
    figures = [
        all(isinstance(row[place], int | Decimal) for row in answer.rows)
        for place in range(len(columns))
    ]
    return "\n".join(
        "  ".join(
            text.rjust(width) if is_figure else text.ljust(width)
            for text, width, is_figure in zip(line, widths, figures, strict=True)
        ).rstrip()
        for line in (answer.query.columns, *texts)
    )


def as_csv(answer: Answer) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows([answer.query.columns, *answer.texts()])
    return out.getvalue().rstrip("\n")


def as_json(answer: Answer) -> str:
    """The query, its parameters and its rows as an object. Amounts are texts, as in the API."""
    rows = [
        {
            name: value if isinstance(value, int | None) else text
            for name, value, text in zip(answer.query.columns, row, texts, strict=True)
        }
        for row, texts in zip(answer.rows, answer.texts(), strict=True)
    ]
    values = {
        name: value if isinstance(value, int) else str(value)
        for name, value in answer.values.items()
    }
    return json.dumps({"query": answer.query.name, "parameters": values, "rows": rows})


_WRITERS = {"table": as_table, "csv": as_csv, "json": as_json}
