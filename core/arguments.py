"""Argument types of management commands: parsed as in the API, refused by argparse."""

import re
from argparse import ArgumentTypeError
from datetime import date
from uuid import UUID

from core.days import is_day
from core.identifiers import parse_uuid
from core.texts import MAX_REASON_LENGTH, check_text


def identifier(text: str) -> UUID:
    """An id (RFC 9562)."""
    try:
        return parse_uuid(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no id: {error}") from error


def day(text: str) -> date:
    """A day like 2026-01-31, in no other notation."""
    try:
        if is_day(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ArgumentTypeError(f"{text!r} is no date, like 2026-01-31")


def reason(text: str) -> str:
    """The reason that is kept with a decision."""
    if not text.strip():
        raise ArgumentTypeError("A reason must not be blank.")
    if len(text) > MAX_REASON_LENGTH:
        raise ArgumentTypeError(f"A reason has at most {MAX_REASON_LENGTH} characters.")
    try:
        check_text(text, multiline=True)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
    return text


def positive(text: str) -> int:
    """A whole number above zero."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ArgumentTypeError(f"{text!r} is no whole number above zero.")
    return int(text)
