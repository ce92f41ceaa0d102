"""Looks up the token of a request."""

import hashlib
from collections.abc import Sequence
from datetime import UTC
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from oauth2_provider.models import AccessToken

from clients.models import ApiClient
from core import clock
from core.authorization_backend import remember_rights, rights_column, rights_in
from core.sql.cursors import read_first
from core.sql.django_internals import stored

# The columns that requests need, by table alias in the statement; others are read on access.
_TOKEN = ("id", "expires", "scope", "application_id")
_CLIENT = ("id", "client_id", "name", "user_id")
_HOLDER = ("id", "username", "is_superuser", "is_staff", "is_active")
_COLUMNS = {"token": _TOKEN, "client": _CLIENT, "holder": _HOLDER}
_User = get_user_model()


def usable_token(raw_token: str) -> AccessToken | None:
    """The token with its client and user, or None for an invalid token.

    A token is invalid if it is unknown, expired or revoked, or if its client or user is inactive.
    Every request runs this one SQL statement, which also reads the user's rights, so a revocation
    takes effect at once.
    """
    digest = hashlib.sha256(raw_token.encode()).hexdigest()
    row = next(iter(read_first(_statement(connection.vendor), [digest])), None)
    if row is None:
        return None
    *columns, told = row
    token = _token_of(columns)
    now = clock.as_told(told) if told else clock.now()
    return token if token.expires > now else None


@cache
def _statement(vendor: str) -> str:
    columns = [f"{table}.{name}" for table, names in _COLUMNS.items() for name in names]
    # Reads the bank's clock in the same statement.
    now = "clock_timestamp()" if vendor == "postgresql" else "NULL"
    return f"""
        SELECT {", ".join(columns)}, {rights_column()}, {now}
        FROM oauth2_provider_accesstoken AS token
        JOIN clients_apiclient AS client ON client.id = token.application_id
        JOIN auth_user AS holder ON holder.id = client.user_id
        WHERE token.token_checksum = %s
            AND client.is_active AND holder.is_active"""  # noqa: S608 - by code


def _token_of(row: Sequence[Any]) -> AccessToken:
    values = iter(row)
    token: AccessToken = stored(AccessToken, dict(zip(_TOKEN, values, strict=False)))
    token.application = stored(ApiClient, dict(zip(_CLIENT, values, strict=False)))
    token.application.user = stored(_User, dict(zip(_HOLDER, values, strict=False)))
    # SQLite stores moments in UTC, without an offset.
    token.expires = token.expires.replace(tzinfo=token.expires.tzinfo or UTC)
    remember_rights(token.application.user, rights_in(next(values)))
    return token
