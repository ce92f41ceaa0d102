"""Settings that are addresses: of the database, of Redis, of the bank itself.

All functions raise ImproperlyConfigured. No message repeats an address, because it may contain a
password.
"""

import re
import socket
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from bankproject import environment

_HOST = re.compile(r"(\*|\.?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9*_.\[\]:-]+")
_DATABASE_FORM = "postgresql://user:password@host:5432/name"


def database_url() -> str:
    """DATABASE_URL, the address of a PostgreSQL database for libpq; empty for SQLite."""
    url = environment.text("DATABASE_URL")
    hint = "; leave it empty for the SQLite database in BANK_DATA_DIR"
    return _postgresql("DATABASE_URL", url, hint)


def replica_url(database_url: str) -> str:
    """BANK_REPLICA_URL, the address of a standby for reads; empty if there is none."""
    url = _postgresql("BANK_REPLICA_URL", environment.text("BANK_REPLICA_URL"))
    if url and not database_url:
        raise ImproperlyConfigured("BANK_REPLICA_URL needs DATABASE_URL: SQLite has no replica.")
    return url


def _postgresql(name: str, url: str, hint: str = "") -> str:
    if not url:
        return ""
    if not url.startswith(("postgresql://", "postgres://")):
        raise ImproperlyConfigured(
            f"{name} must name a PostgreSQL database, as {_DATABASE_FORM}{hint}."
        )
    try:
        parameters = conninfo_to_dict(url)
    except (psycopg.Error, ValueError) as error:
        raise ImproperlyConfigured(f"{name} cannot be read as {_DATABASE_FORM}.") from error
    if not parameters.get("dbname"):
        raise ImproperlyConfigured(f"{name} must name a database: {_DATABASE_FORM}.")
    for port in str(parameters.get("port", "")).split(","):
        if port and not _is_port(port):
            raise ImproperlyConfigured(f"The port of {name} must be a number from 1 to 65535.")
    return url


def cache_url() -> str:
    """CACHE_URL, the address of a Redis server; empty if each process counts by itself."""
    url = environment.text("CACHE_URL")
    parts = urlsplit(url) if url else None
    try:
        is_redis = parts is None or (
            (parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0)
            or (parts.scheme == "unix" and parts.path)
        )
    except ValueError:  # The port is not a number.
        is_redis = False
    if not is_redis:
        raise ImproperlyConfigured("CACHE_URL must name a Redis, as redis://host:6379/0.")
    return url


def presto_url() -> str:
    """PRESTO_URL, the address of a Presto server; empty if the database answers named queries."""
    url = environment.text("PRESTO_URL")
    try:
        parts = urlsplit(url)
        is_presto = not url or (
            parts.scheme in ("http", "https")
            and bool(parts.hostname and parts.username)
            and parts.port != 0
            and parts.path in ("", "/")
            # Presto takes a password over TLS only.
            and (parts.password is None or parts.scheme == "https")
        )
    except ValueError:  # The port is not a number.
        is_presto = False
    if not is_presto:
        raise ImproperlyConfigured(
            "PRESTO_URL must name a Presto and a user, as http://analyst@host:8080, and has a"
            " password with https only."
        )
    return url


def allowed_hosts(*, default: list[str]) -> list[str]:
    """DJANGO_ALLOWED_HOSTS: names and addresses, without scheme and port."""
    hosts = environment.words("DJANGO_ALLOWED_HOSTS", default=default)
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ImproperlyConfigured(
                f"DJANGO_ALLOWED_HOSTS has {host!r}, not a host name like bank.example.com."
            )
    return hosts


def trusted_origins() -> list[str]:
    """DJANGO_CSRF_TRUSTED_ORIGINS: scheme and host."""
    origins = environment.words("DJANGO_CSRF_TRUSTED_ORIGINS", default=[])
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ImproperlyConfigured(
                f"DJANGO_CSRF_TRUSTED_ORIGINS has {origin!r}, not https://bank.example.com."
            )
    return origins


def resolved(host: str, port: int) -> Any:
    """HOST and PORT resolved by `socket.getaddrinfo`: [0] is the family, [4] the address."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise ImproperlyConfigured(f"HOST {host!r} is not an address of this machine.") from error


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535
