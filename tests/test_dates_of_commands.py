"""Every date of a management command has one notation, that of the API."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from tests.__main__ import PACKAGES

# Weeks and days without hyphens, which Python reads as dates too.
OTHER = ("2026-W01-1", "2026-W01", "20260131", "2026-1-31", "2026-W01-1T00:00:00Z")


def dates() -> Iterator[tuple[str, Callable[[str], Any]]]:
    """The name of each command and option that takes a day, and how it reads it."""
    for name, app in get_commands().items():
        if str(app).split(".")[0] in PACKAGES:
            parser = load_command_class(str(app), name).create_parser("manage.py", name)
            for action in parser._actions:
                if callable(action.type) and _is_date(action.type):
                    yield f"{name} {action.dest}", action.type


def _is_date(read: Callable[[str], Any]) -> bool:
    try:
        return isinstance(read("2026-01-31"), date)
    except (ArgumentTypeError, ValueError):
        return False


def test_no_command_takes_another_notation() -> None:
    found = dict(dates())
    assert found.keys() >= {"run_job date", "archive_transactions before", "export_lake before"}
    for read in found.values():
        for text in (*OTHER, "2026-02-30", "soon", ""):
            with pytest.raises(ArgumentTypeError, match="is no date"):
                read(text)
