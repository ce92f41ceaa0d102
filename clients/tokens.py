"""Looks up the token of a request."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC
from functools import cache
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model
from oauth2_provider.models import AccessToken

from clients.models import ApiClient
from core import clock
from core.authorization_backend import remember_rights, rights_column, rights_in
from core.sql.cursors import read_first

# The columns that requests need, by table alias in the statement; others are read on access.
_TABLES: dict[str, tuple[type[Model], frozenset[str]]] = {
    "token": (AccessToken, frozenset({"id", "expires", "scope", "application_id"})),
    "client": (ApiClient, frozenset({"id", "client_id", "name", "user_id"})),
    "holder": (
        get_user_model(),
        frozenset({"id", "username", "is_superuser", "is_staff", "is_active"}),
    ),
}


def usable_token(raw_token: str) -> AccessToken | None:
    """The token with its client and user, or None for an invalid token.

    A token is invalid if it is unknown, expired or revoked, or if its client or user is inactive.
    Every request runs this one SQL statement, which also reads the user's rights, so a revocation
    takes effect at once.
    """
    digest = hashlib.sha256(raw_token.encode()).hexdigest()
    row = next(iter(read_first(_statement(), [digest])), None)
    if row is None:
        return None
    *columns, told = row
    token = _token_of(columns)
    now = clock.as_told(told) if told else clock.now()
    return token if token.expires > now else None


def _statement() -> str:
    columns = [f"{table}.{name}" for table in _TABLES for name in _columns(table)]
    # The bank's clock, with no statement of its own.
    now = "clock_timestamp()" if connection.vendor == "postgresql" else "NULL"
    return f"""
        SELECT {", ".join(columns)}, {rights_column()}, {now}
        FROM oauth2_provider_accesstoken AS token
        JOIN clients_apiclient AS client ON client.id = token.application_id
        JOIN auth_user AS holder ON holder.id = client.user_id
        WHERE token.token_checksum = %s
            AND client.is_active AND holder.is_active"""  # noqa: S608 - by code


@cache
def _columns(table: str) -> tuple[str, ...]:
    """The columns in the order of the model's fields, as `Model.from_db` takes them."""
    model, needed = _TABLES[table]
    return tuple(field.attname for field in model._meta.concrete_fields if field.attname in needed)


def _token_of(row: Sequence[Any]) -> AccessToken:
    values = iter(row)
    token, client, user = (_instance(table, values) for table in _TABLES)
    # SQLite stores moments in UTC, without an offset.
    token.expires = token.expires.replace(tzinfo=token.expires.tzinfo or UTC)
    client.user = user
    token.application = client
    remember_rights(user, rights_in(next(values)))
    found: AccessToken = token
    return found


def _instance(table: str, values: Iterator[Any]) -> Any:
    names = _columns(table)
    return _TABLES[table][0].from_db(connection.alias, names, list(islice(values, len(names))))
