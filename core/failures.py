"""Explains operational errors to an operator, in one sentence.

Such errors come from settings, files and the database. Any other error is a fault of the code, and
its traceback is worth more than a sentence.
"""

import sqlite3
from functools import singledispatch

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, NotSupportedError, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory, MigrationSchemaMissing

from core.database_errors import meaning_of, to_operators
from core.errors import BankError
from core.files import FileProblem, reason_of


@singledispatch
def sentence_of(_error: BaseException) -> str | None:
    """The sentence for an operator, or None for an error that can only be a fault of the code."""
    return None


def told(error: Exception) -> str:
    """The sentence, or the error's own text, for a command that adds more."""
    return sentence_of(error) or " ".join(str(error).split())


@sentence_of.register(ImproperlyConfigured)
@sentence_of.register(FileProblem)
def _(error: Exception) -> str:
    return " ".join(str(error).split())


@sentence_of.register
def _(error: BankError) -> str:
    if cause := database_trouble_of(error):
        return _of_database(cause) or str(cause)  # An operator may see why it is busy.
    return f"{error.detail} ({error.code})"


def database_trouble_of(error: BankError) -> DatabaseError | None:
    """The cause, if the database cannot serve at present, so that no other command can succeed."""
    cause = error.__cause__
    return cause if isinstance(cause, DatabaseError) and meaning_of(cause).readiness else None


@sentence_of.register
def _(error: OSError) -> str:
    name = "" if error.filename is None else f"{error.filename}: "
    return f"{name}{reason_of(error)}."


@sentence_of.register(MigrationSchemaMissing)
@sentence_of.register(InconsistentMigrationHistory)
@sentence_of.register(NotSupportedError)
def _(error: Exception) -> str:
    return f"The database cannot be used: {_first_line(error)}."


@sentence_of.register(DatabaseError)
@sentence_of.register(InterfaceError)
@sentence_of.register(psycopg.Error)
@sentence_of.register(sqlite3.Error)
def _of_database(error: Exception) -> str | None:
    meaning = to_operators(error)
    if not meaning:
        return None
    cause = error.__cause__ or error
    path = f" {connection.settings_dict['NAME']}" if isinstance(cause, sqlite3.Error) else ""
    return f"The database{path} {meaning}: {_first_line(cause)}."


def _first_line(error: BaseException) -> str:
    lines = str(error).removeprefix("connection failed: ").strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else "nothing more is known"
