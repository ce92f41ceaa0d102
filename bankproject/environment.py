"""Reads settings from the environment strictly: a misspelt value is an error, not a default.

Every function here records the name that it reads, so that misspelt names can be detected. Every
function raises ImproperlyConfigured, with one sentence that names the variable. The sentence never
repeats a value that may contain a password.
"""

import base64
import os
import re
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured

from core.currencies import CURRENCIES
from core.errors import InvalidInput
from core.money import parse_amount, validate_amount

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
# A greater number is a typo, and would overflow dates and the database's time-outs.
_GREATEST = 1_000_000
_GREATEST_DAYS = 36_500  # A century.
MINIMUM_TOKEN_CHARACTERS = 32
SEED_BYTES = 32  # RFC 8032, section 5.1.5: the private key of Ed25519.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_ASSIGNMENT = re.compile(r"\s*(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=|\s*(#|$)")

# The names read so far; all setting names once the settings are loaded.
names_read: set[str] = set()


def read_dotenv(path: Path) -> None:
    """Adds the assignments of a `.env` file to the environment. Existing variables win.

    Raises ImproperlyConfigured for an unreadable file, and for a line that assigns nothing.
    """
    if not path.exists():
        return
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ImproperlyConfigured(f"{path} cannot be read: {reason}.") from error
    for number, line in enumerate(lines, 1):
        if not _ASSIGNMENT.match(line):
            raise ImproperlyConfigured(f"{path}, line {number}, is not NAME=value.")
    environ.Env.read_env(path, overwrite=False)


def text(name: str, default: str = "") -> str:
    """The stripped variable. An empty variable counts as not set."""
    names_read.add(name)
    value = os.environ.get(name, "").strip()
    if not value.isprintable():
        raise ImproperlyConfigured(f"{name} must be one line of printable characters.")
    return value or default


def token(name: str) -> str:
    """A secret of MINIMUM_TOKEN_CHARACTERS or more that can be a bearer token; empty if not set."""
    value = text(name)
    if value and (len(value) < MINIMUM_TOKEN_CHARACTERS or not _TOKEN.fullmatch(value)):
        raise ImproperlyConfigured(
            f"{name} must have {MINIMUM_TOKEN_CHARACTERS} characters or more, at random: letters,"
            " digits and -._~+/ (RFC 6750)."
        )
    return value


def seed(name: str) -> bytes:
    """The 32 bytes of a private key, given in base64; nothing if not set."""
    value = text(name)
    try:
        found = base64.b64decode(value, validate=True)
    except ValueError:
        found = b""
    if value and len(found) != SEED_BYTES:
        raise ImproperlyConfigured(f"{name} must be {SEED_BYTES} bytes in base64.")
    return found


def boolean(name: str, *, default: bool) -> bool:
    """1, true, yes, on or 0, false, no, off, in any case."""
    value = text(name).lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def integer(name: str, *, default: int, minimum: int = 0, maximum: int | None = None) -> int:
    """A whole number from `minimum` to `maximum`; for days the default maximum is a century."""
    value = text(name)
    if not value:
        return default
    if maximum is None:
        maximum = _GREATEST_DAYS if name.endswith("_DAYS") else _GREATEST
    if (
        value.isascii()
        and value.isdigit()
        and len(value) <= 20
        and minimum <= int(value) <= maximum
    ):
        return int(value)
    shown = value if len(value) <= 30 else f"{value[:30]}..."
    raise ImproperlyConfigured(
        f"{name} must be a whole number from {minimum} to {maximum}, not {shown!r}."
    )


def host(name: str, default: str) -> str:
    """An address or the name of a host."""
    value = text(name, default)
    if not re.fullmatch(r"[\w.:%-]+", value):
        raise ImproperlyConfigured(f"{name} must be an address or a name, not {value!r}.")
    return value


def choice(name: str, choices: Collection[str], *, default: str) -> str:
    """One of the choices, in any case."""
    value = text(name, default)
    for one in choices:
        if one.lower() == value.lower():
            return one
    raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")


def time_zone(name: str, *, default: str) -> str:
    """A name of the machine's IANA time zone database, such as Europe/Berlin."""
    value = text(name, default)
    if value != default and value not in available_timezones():
        raise ImproperlyConfigured(
            f"{name} must be a time zone that this machine knows, such as Europe/Berlin,"
            f" not {value!r}."
        )
    return value


def words(name: str, *, default: list[str]) -> list[str]:
    """A comma-separated list of stripped items."""
    value = text(name)
    return [item.strip() for item in value.split(",") if item.strip()] if value else default


def amounts(name: str) -> dict[str, Decimal]:
    """Amounts by currency, "USD:10000,EUR:8000.50", in main units; each currency once."""
    found = {}
    for item in words(name, default=[]):
        currency, _, number = item.partition(":")
        try:
            amount = parse_amount(number)
        except (ValueError, InvalidInput) as error:
            raise ImproperlyConfigured(f"{name} has {item!r}, not CURRENCY:AMOUNT.") from error
        if currency not in CURRENCIES:
            raise ImproperlyConfigured(f"{name} has {item!r}: {currency!r} is no ISO 4217 code.")
        try:
            validate_amount(amount, currency)
        except InvalidInput as error:
            raise ImproperlyConfigured(
                f"{name} has {item!r}: {number!r} is no amount of {currency}."
            ) from error
        if currency in found:
            raise ImproperlyConfigured(f"{name} has {currency} twice: which amount is meant?")
        found[currency] = amount
    return found


# Variables of the server, outside the settings ----------------------------------------------------

# One thread computes while the others wait for the database, or for the one that writes for them
# (`core.gathering`). With 16 groups are larger, but 8 processes would have too many connections.
WEB_THREADS = 8
# Without gathering more threads only wait for each other, and make a hot account `busy`.
WEB_THREADS_ALONE = 2


def web_workers() -> int:
    """The number of web processes, each with `web_threads` threads.

    WEB_CONCURRENCY sets it. By default it depends on the database and the cores: SQLite has one
    writer at a time; PostgreSQL keeps one process per core busy. The default is at least two
    processes, because one may have to be replaced.
    """
    default = max(2, min(os.cpu_count() or 1, 8)) if text("DATABASE_URL") else 2
    return integer("WEB_CONCURRENCY", default=default, minimum=1, maximum=512)


def gathers() -> bool:
    """Whether a web process runs commands that wait at the same moment in one transaction."""
    return boolean("BANK_GATHERING", default=True)


def web_threads() -> int:
    """The number of threads of a web process."""
    return WEB_THREADS if gathers() else WEB_THREADS_ALONE


def address() -> tuple[str, int]:
    """The HOST and PORT to listen on."""
    return host("HOST", "127.0.0.1"), integer("PORT", default=5000, minimum=1, maximum=65535)


def serves_worker() -> bool:
    """Whether the server also starts a queue worker."""
    return boolean("BANK_SERVE_WORKER", default=False)


def counts_metrics() -> bool:
    """Whether the server's processes count what they do."""
    return boolean("BANK_METRICS", default=True)
