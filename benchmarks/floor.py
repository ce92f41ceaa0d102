"""The floor of a transfer over HTTP: a bare WSGI application with the SQL of `raw.transfer`.

gunicorn serves it with the bank's own settings as `benchmarks.floor:application()`. It parses the
same request and returns the same JSON. It has no tokens, framework, limits, log or refusals: no
transfer by HTTP in Python can cost less.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Iterable
from datetime import UTC
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.jobs import raw
from benchmarks.jobs.choices import UNITS_PER_CENT
from benchmarks.jobs.journal_row import COLUMNS

_TRANSFER = re.compile("/api/v1/accounts/([0-9a-f-]{36})/transfer/")
_UNITS = UNITS_PER_CENT * 100
_MOMENTS = ("effective_at", "created_at", "updated_at", "completed_at")

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Floor:
    """The application. Each thread keeps a connection to the database, as the bank's do."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._own = threading.local()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Returns the transaction of a transfer, or 200 without content for any other request."""
        match = _TRANSFER.fullmatch(environ["PATH_INFO"])
        content = self._transfer(match[1], environ) if match else b""
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        start_response("200 OK", headers)
        return [content]

    def close(self) -> None:
        """Closes this thread's connection."""
        self._connection().close()

    def _transfer(self, account_id: str, environ: dict[str, Any]) -> bytes:
        body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        cents = int(body["amount"].replace(".", ""))
        row = raw.transfer(
            self._connection(),
            UUID(account_id),
            UUID(body["target_account_id"]),
            cents * UNITS_PER_CENT,
        )
        return json.dumps(_answer(dict(zip(COLUMNS, row, strict=True)))).encode()

    def _connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = raw.connect(self._database_url)
        return connection


def application() -> Floor:
    """The application of the bank whose database is DATABASE_URL."""
    return Floor(os.environ["DATABASE_URL"])


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    """The members of the bank's own response to a transfer."""
    moments = {name: f"{row[name].astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" for name in _MOMENTS}
    return {
        "transaction_id": str(row["id"]),
        "type": row["type"],
        "status": row["status"],
        "account_id": str(row["debit_account_id"]),
        "target_account_id": str(row["credit_account_id"]),
        "amount": _amount(row["amount"]),
        "currency": row["currency"],
        "balance_after": _amount(row["debit_balance_after"]),
        "description": row["description"],
        "failure": None,
        "retry_count": row["retry_count"],
        "approval_required": row["approval_required"],
        "scheduled_for": None,
        "reverses": None,
        **moments,
    }


def _amount(units: int) -> str:
    return f"{units // _UNITS}.{units % _UNITS // UNITS_PER_CENT:02}"
