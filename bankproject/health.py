"""Probes of liveness and readiness."""

import logging
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankproject.console import duties
from bankproject.queue_worker import failed_starts
from core import clock
from core.database import missing_objects
from core.database_errors import AWAY, READ_ONLY, note, recent_trouble, to_operators
from core.failures import told
from core.rights import rights_of
from core.timeouts import not_in_force
from transactions.queue import waiting as queue

logger = logging.getLogger(__name__)

_OK = "ok"
_FURTHER_CHECKS = ("timeouts", "migrations", "guards", "queue")
_PROBE = inline_serializer(
    "Health", {"status": serializers.CharField(help_text="`ok` while the process is alive.")}
)
_READINESS = inline_serializer(
    "Readiness",
    {
        "status": serializers.CharField(help_text="`ok` or `unavailable`."),
        "checks": serializers.DictField(
            child=serializers.CharField(),
            help_text="Each check by name: `ok`, or what is wrong.",
        ),
        "duties": serializers.DictField(
            child=serializers.CharField(),
            help_text=(
                "What the operator has to see to, by name: `ok`, or what is overdue. The status"
                " does not depend on it."
            ),
        ),
    },
)


class HealthView(APIView):
    """Shows that the process responds. It checks nothing else, so a probe is cheap."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="health",
        tags=["Health"],
        summary="Is the process alive?",
        responses=_PROBE,
        examples=[OpenApiExample("Alive", value={"status": "ok"}, response_only=True)],
        auth=[],
    )
    def get(self, request: Request) -> Response:
        return Response({"status": _OK})


class ReadinessView(APIView):
    """Shows whether the process can serve: 200, or 503 if the database or the queue cannot."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="health_ready",
        tags=["Health"],
        summary="Can the process serve?",
        responses={200: _READINESS, 503: _READINESS},
        examples=[
            OpenApiExample(
                "Ready",
                value={
                    "status": "ok",
                    "checks": {
                        "database": "ok",
                        "rights": "ok",
                        "timeouts": "ok",
                        "migrations": "ok",
                        "guards": "ok",
                        "queue": "ok",
                    },
                    "duties": {
                        "worker": "ok",
                        "verification": "ok",
                        "archive": "ok",
                        "mail": "ok",
                        "seal": "ok",
                        "jobs": "ok",
                        "webhooks": "ok",
                    },
                },
                response_only=True,
                status_codes=["200"],
            ),
            OpenApiExample(
                "Not ready",
                value={
                    "status": "unavailable",
                    "checks": {
                        "database": "ok",
                        "rights": "ok",
                        "timeouts": "ok",
                        "migrations": "2 not applied",
                        "guards": "ok",
                        "queue": "ok",
                    },
                    "duties": {
                        "worker": "none for 55 s",
                        "verification": "overdue: none for 3 d 2 h",
                        "archive": "ok",
                        "mail": "failing since 2026-01-31T09:30:00.000000Z",
                        "seal": "ok",
                        "jobs": "overdue: Back up the bank",
                        "webhooks": "behind by 3 h 12 min",
                    },
                },
                response_only=True,
                status_codes=["503"],
            ),
        ],
        auth=[],
    )
    def get(self, request: Request) -> Response:
        checks = readiness()
        ready = all(result == _OK for result in checks.values())
        return Response(
            {
                "status": _OK if ready else "unavailable",
                "checks": checks,
                "duties": _duties(checks),
            },
            status=status.HTTP_200_OK if ready else status.HTTP_503_SERVICE_UNAVAILABLE,
        )


def readiness() -> dict[str, str]:
    """The result of each check by name. If a read of the database fails, the others are unknown.

    Raises none of Django's database errors. The log has their texts, which may name hosts.
    """
    unknown = dict.fromkeys(_FURTHER_CHECKS, "unknown")
    try:
        checks = {"database": _database(), "rights": _rights()}
        if checks["rights"] != _OK:
            return checks | unknown
        return checks | {
            "timeouts": _timeouts(),
            "migrations": _migrations(),
            "guards": _guards(),
            "queue": _queue(),
        }
    except DatabaseError as error:
        logger.warning("Not ready: %s", told(error))
        return {"database": _trouble_of(error), "rights": "unknown", **unknown}


def _trouble_of(error: DatabaseError) -> str:
    meaning = note(error)
    if meaning.drops_connection:
        return meaning.readiness or AWAY.readiness
    return to_operators(error) or "failed"


def _duties(checks: dict[str, str]) -> dict[str, str]:
    """What the operator has to see to; unknown where the checks could not read the database."""
    if checks["migrations"] != _OK:
        return dict.fromkeys(duties.NAMES, "unknown")
    try:
        return duties.in_health()
    except DatabaseError as error:
        note(error)
        return dict.fromkeys(duties.NAMES, "unknown")


def _database() -> str:
    """Whether the database accepts writes, by a read and by the trouble of recent requests."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            if cursor.fetchone() == ("on",):
                connection.close()  # After a fail-over the next probe may reach the new primary.
                return READ_ONLY.readiness
    return recent_trouble() or _OK


def _rights() -> str:
    rights = rights_of(connection)
    if rights.missing:
        return f"{len(rights.missing)} missing"
    return f"{len(rights.excess)} too many" if rights.excess else _OK


def _timeouts() -> str:
    missing = not_in_force(connection)
    return f"not in force: {', '.join(missing)}" if missing else _OK


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    plan: list[Any] = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(plan)} not applied" if plan else _OK


def _guards() -> str:
    missing = missing_objects(connection)
    return f"{len(missing)} missing" if missing else _OK


def _queue() -> str:
    if failed_starts():
        return "its worker keeps ending"
    seconds = int(queue.lag(clock.about_now()).total_seconds())
    return f"behind by {seconds} s" if seconds > settings.QUEUE_LAG_LIMIT_SECONDS else _OK
