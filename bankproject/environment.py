"""Reading settings from the environment, strictly: a misspelt value is an error, no default."""

import os
from decimal import Decimal
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from core.errors import InvalidInput
from core.money import parse_amount, validate_amount

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def read_dotenv(path: Path) -> None:
    """Adds the assignments of a `.env` file to the environment. What is already set wins."""
    if path.is_file():
        environ.Env.read_env(path, overwrite=False)


def text(name: str, default: str = "") -> str:
    """The variable as it stands. An empty variable counts as not set."""
    return os.environ.get(name, "").strip() or default


def boolean(name: str, *, default: bool) -> bool:
    """1, true, yes, on or 0, false, no, off, in any case.

    Raises ImproperlyConfigured for anything else.
    """
    value = text(name).lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def integer(name: str, *, default: int, minimum: int = 0) -> int:
    """A whole number of at least `minimum`. Raises ImproperlyConfigured for anything else."""
    value = text(name)
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or int(value) < minimum:
        raise ImproperlyConfigured(f"{name} must be a whole number from {minimum}, not {value!r}.")
    return int(value)


def amounts(name: str) -> dict[str, Decimal]:
    """Amounts by currency, "USD:10000,EUR:8000.50", in main units.

    Raises ImproperlyConfigured for an unknown currency and for what is no amount in it.
    """
    found = {}
    for item in words(name, default=[]):
        currency, _, number = item.partition(":")
        try:
            amount = parse_amount(number)
            validate_amount(amount, currency)
        except (ValueError, KeyError, InvalidInput) as error:
            raise ImproperlyConfigured(f"{name} has {item!r}, not CURRENCY:AMOUNT.") from error
        found[currency] = amount
    return found


# While one waits for the database, the other computes. More would only wait for each other.
WEB_THREADS = 2


def web_workers() -> int:
    """Web worker processes of WEB_THREADS each: WEB_CONCURRENCY, or by the database and the cores.

    SQLite takes one writer at a time; PostgreSQL keeps two threads a core busy. Never one process:
    it may have to be replaced.
    """
    default = max(2, min(os.cpu_count() or 1, 8)) if text("DATABASE_URL") else 2
    return integer("WEB_CONCURRENCY", default=default, minimum=1)


def words(name: str, *, default: list[str]) -> list[str]:
    """A comma-separated list, blanks around the items ignored."""
    value = text(name)
    return [item.strip() for item in value.split(",") if item.strip()] if value else default
