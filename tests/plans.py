"""Query plans: the statements of a job, the nodes of PostgreSQL's plans, the scans of SQLite's."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

# A statement and its parameters; Django's log lacks parameters bound by the server.
Statement = tuple[str, Any]


def statements_of(job: Callable[[], Any]) -> list[Statement]:
    """All statements of the job, in order."""
    statements: list[Statement] = []

    def keep(execute: Any, sql: str, parameters: Any, *rest: Any) -> Any:
        statements.append((sql, parameters))
        return execute(sql, parameters, *rest)

    with connection.execute_wrapper(keep):
        job()
    return statements


def plan_of(statement: Statement) -> dict[str, Any]:
    """Runs the statement and returns the root of its plan."""
    sql, parameters = statement
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        (plans,) = cursor.fetchone()
    (explained,) = json.loads(plans) if isinstance(plans, str) else plans
    plan: dict[str, Any] = explained["Plan"]
    return plan


def generic_plan_of(statement: Statement) -> dict[str, Any]:
    """As `plan_of`, by the plan that PostgreSQL may come to use for a prepared statement.

    It is made without a look at the parameters.
    """
    sql, parameters = statement
    places = iter(range(1, len(parameters) + 1))
    numbered = re.sub("%[s%]", lambda it: "%" if it[0] == "%%" else f"${next(places)}", sql)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute("PREPARE judged AS " + numbered.replace("%", "%%"), [])
        try:
            values = ", ".join(["%s"] * len(parameters))
            execute = f"EXECUTE judged ({values})" if values else "EXECUTE judged"
            return plan_of((execute, parameters))
        finally:
            cursor.execute("DEALLOCATE judged")
            cursor.execute("SET LOCAL plan_cache_mode = auto")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The node and all below it."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def touched_rows(statement: Statement) -> int:
    """The rows that PostgreSQL's executor touched, discarded ones included."""
    counts = (
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan_of(statement))
    )
    return int(sum(counts))


def scans_of(statement: Statement) -> list[str]:
    """The steps of SQLite's plan that read a whole table."""
    sql, parameters = statement
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        return [row[3] for row in cursor.fetchall() if row[3].startswith("SCAN")]
