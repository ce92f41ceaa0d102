"""Presto as an engine: the same texts, on the views of the schema `analytics`.

Only a query loads the client, and only where PRESTO_URL names a server.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

from analytics.database import TookTooLong
from analytics.parameters import Value
from analytics.relations import SCHEMA, with_relations

# The catalog of the bank's database: deploy/presto/etc/catalog/bank.properties.
CATALOG = "bank"
_DEFAULT_PORTS = {"http": 8080, "https": 443}


class PrestoFailed(Exception):
    """The server does not answer, or refuses the query. The message is a sentence."""


class PrestoEngine:
    """Runs queries on the server of a URL. Its catalogs let nobody write."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)

    def rows(
        self, sql: str, values: Mapping[str, Value], months: Sequence[str], seconds: float
    ) -> list[tuple[Any, ...]]:
        """All rows. Raises TookTooLong and PrestoFailed."""
        statement = with_relations(
            re.sub(r":(\w+)", lambda found: literal(values[found[1]]), sql),
            self.relation,
            months,
        )
        return [tuple(row) for row in self.fetch(statement, seconds)]

    def relation(self, name: str) -> str:
        """The SELECT that is this relation."""
        return f"SELECT * FROM {CATALOG}.{SCHEMA}.{name}"  # noqa: S608 - constants

    def amount(self, value: Any) -> Decimal:
        """The client gives a decimal as text."""
        return Decimal(value)

    def fetch(self, statement: str, seconds: float) -> list[list[Any]]:
        """The rows of any statement. Raises TookTooLong and PrestoFailed."""
        import prestodb

        try:
            cursor = self._connect(seconds).cursor()
            cursor.execute(statement)
            rows: list[list[Any]] = cursor.fetchall()
        except prestodb.exceptions.PrestoQueryError as error:
            if error.error_name == "EXCEEDED_TIME_LIMIT":
                raise TookTooLong(seconds) from error
            raise PrestoFailed(f"Presto refuses the query: {error.message}") from error
        except (prestodb.exceptions.HttpError, prestodb.exceptions.Error, OSError) as error:
            raise PrestoFailed(f"Presto at {self._address()} does not answer.") from error
        return rows

    def _connect(self, seconds: float) -> Any:
        import prestodb

        parts = self._parts
        is_secret = parts.password is not None
        return prestodb.dbapi.connect(
            host=parts.hostname,
            port=parts.port or _DEFAULT_PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            catalog=CATALOG,
            schema=SCHEMA,
            http_scheme=parts.scheme,
            source="bank",
            session_properties={"query_max_run_time": f"{seconds:g}s"},
            auth=prestodb.auth.BasicAuthentication(
                unquote(parts.username or ""), unquote(parts.password or "")
            )
            if is_secret
            else None,
        )

    def _address(self) -> str:
        return f"{self._parts.hostname}:{self._parts.port or _DEFAULT_PORTS[self._parts.scheme]}"


def literal(value: Value) -> str:
    """A value as Presto writes it. The client has no parameters of its own."""
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, Decimal):
        return f"DECIMAL '{value:f}'"
    if isinstance(value, int):
        return str(value)
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
