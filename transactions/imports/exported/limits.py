"""Limits on the cells of a file, from the database columns."""

from typing import Any

from django.apps import apps

from core.currencies import CURRENCIES
from transactions.files.cells import CALLER, TEXT, USER, WORD, CellKind
from transactions.files.file_format import FileFormat

_LONGEST_USER_NAME = 150


def longest(form: FileFormat) -> dict[str, int]:
    """The maximum length of texts in characters, by column."""
    fields = _fields(form)
    limits = {
        column.name: fields[column.name].max_length
        for column in form.columns
        if is_text(column.kind) and fields[column.name].max_length is not None
    }
    names = [column.name for column in form.columns if column.kind == USER]
    return limits | dict.fromkeys(names, _LONGEST_USER_NAME)


def choices(form: FileFormat) -> dict[str, frozenset[str]]:
    """The allowed words, by column."""
    words = {
        name: frozenset(value for value, _ in field.choices)
        for name, field in _fields(form).items()
        if getattr(field, "choices", None)
    }
    if any(column.name == "currency" for column in form.columns):
        words["currency"] = frozenset(CURRENCIES)
    return words


def is_text(kind: CellKind) -> bool:
    """Whether the values are texts. Then an empty cell is the empty text, or null."""
    return kind in (TEXT, WORD, CALLER)


def _fields(form: FileFormat) -> dict[str, Any]:
    model = next(one for one in apps.get_models() if one._meta.db_table == form.table)
    return {field.name: field for field in model._meta.get_fields()}
