"""Settings of mail: the server, the sender, and the bank's address for links.

All functions raise ImproperlyConfigured. No message repeats EMAIL_URL, which may have a password.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from bankproject import environment

# The usual port of each scheme.
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
_FORM = "EMAIL_URL must name a mail server, as smtp+tls://user:password@host:587."
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")
_PUBLIC_URL = re.compile(
    r"https?://[A-Za-z0-9_.-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:\d{1,5})?"
)


class MailServer(NamedTuple):
    """`starts_tls`: a clear connection is encrypted by STARTTLS; `is_tls`: TLS from the start."""

    host: str = ""
    port: int = 25
    starts_tls: bool = False
    is_tls: bool = False
    user: str = ""
    password: str = ""


def mail_server() -> MailServer:
    """EMAIL_URL, the server that takes the bank's mail; without a host if the bank sends none."""
    url = environment.text("EMAIL_URL")
    if not url:
        return MailServer()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ImproperlyConfigured(_FORM) from error
    has_more = parts.path not in ("", "/") or parts.query or parts.fragment
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or port == 0 or has_more:
        raise ImproperlyConfigured(_FORM)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ImproperlyConfigured("EMAIL_URL must have both a user and a password, or neither.")
    if password and parts.scheme == "smtp":
        raise ImproperlyConfigured(
            "EMAIL_URL must begin with smtp+tls:// or smtp+ssl://: it has a password."
        )
    starts_tls, is_tls = parts.scheme == "smtp+tls", parts.scheme == "smtp+ssl"
    return MailServer(host, port or _PORTS[parts.scheme], starts_tls, is_tls, user, password)


def mail_sender(*, required: bool) -> str:
    """BANK_MAIL_FROM, the address from which the bank writes."""
    sender = environment.text("BANK_MAIL_FROM")
    if not sender and required:
        raise ImproperlyConfigured("BANK_MAIL_FROM must be set where EMAIL_URL is.")
    if sender:
        try:
            validate_email(sender)
        except ValidationError as error:
            raise ImproperlyConfigured(
                "BANK_MAIL_FROM must be an address like bank@example.com."
            ) from error
    return sender


def minutes_between_mails() -> int:
    """BANK_APPROVAL_MAIL_MINUTES, up to a day."""
    return environment.integer("BANK_APPROVAL_MAIL_MINUTES", default=30, minimum=1, maximum=1440)


def public_url(*, origins: list[str], host: str, port: int) -> str:
    """BANK_PUBLIC_URL, by which a browser reaches the bank, without a slash at its end.

    By default the first trusted origin without a wildcard, else the address to listen on.
    """
    named = [origin for origin in origins if "*" not in origin]
    at = f"[{host}]" if ":" in host else host
    default = named[0] if named else f"http://{at}:{port}"
    url = environment.text("BANK_PUBLIC_URL", default).rstrip("/")
    if not _PUBLIC_URL.fullmatch(url):
        raise ImproperlyConfigured(
            "BANK_PUBLIC_URL must be scheme and host, as https://bank.example.com."
        )
    return url
