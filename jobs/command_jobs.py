"""Jobs that are management commands: their output is what the job did."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError

from core.background import JobFailed
from core.errors import Busy
from core.results import BUSY
from jobs.problems import JobBusy

# What is longer is left to the command's own records: a list of findings, say.
_LONGEST_VALUE = 300
_LONGEST_OBJECT = 2000

Words = Callable[[date, str], Sequence[str]]


def command(name: str, words: Words | None = None) -> Callable[[date, str], Mapping[str, Any]]:
    """The work of a job that is this command, with the words for a date and slot."""

    def work(day: date, slot: str) -> Mapping[str, Any]:
        return _called(name, words(day, slot) if words else ())

    return work


def _called(name: str, words: Sequence[str]) -> Mapping[str, Any]:
    """The result of a command as it prints it. Raises JobBusy, JobFailed, or a database error.

    A command may tell of the end of its process by an error of its own: that end is raised instead.
    """
    out, err = StringIO(), StringIO()
    try:
        call_command(name, *words, "--json", stdout=out, stderr=err)
    except CommandError as error:
        if (stopped := _stopped_by(error)) is not None:
            raise stopped from error
        is_busy = error.returncode == BUSY or isinstance(error.__cause__, DatabaseError | Busy)
        problem = JobBusy if is_busy else JobFailed
        raise problem(str(error)) from error
    except SystemExit as error:
        result = _result(out.getvalue())
        raise JobFailed(
            f"{name} ended with exit code {error.code}: {_in_short(result)}".strip(": ")
        ) from error
    result = dict(_result(out.getvalue()))
    if told := err.getvalue().strip():
        result["told"] = told[:_LONGEST_VALUE]
    return result


def _stopped_by(error: BaseException | None) -> KeyboardInterrupt | None:
    """The signal behind an error, if it was one."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error


def _result(printed: str) -> Mapping[str, Any]:
    """The printed line of JSON, without its long values."""
    lines = printed.strip().splitlines()
    return _shortened(json.loads(lines[-1])) if lines else {}


def _shortened(found: Mapping[str, Any]) -> dict[str, Any]:
    """The object without its long texts and lists, and so each object in it."""
    short = {
        name: _shortened(value) if isinstance(value, dict) else value
        for name, value in found.items()
    }
    return {name: value for name, value in short.items() if _is_short(value)}


def _is_short(value: Any) -> bool:
    longest = _LONGEST_OBJECT if isinstance(value, dict) else _LONGEST_VALUE
    return len(json.dumps(value)) <= longest


def _in_short(result: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in result.items())
