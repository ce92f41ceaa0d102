"""Query plans of PostgreSQL: the statements of a job, and the nodes of their plans."""

import json
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


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The node and all below it."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)
