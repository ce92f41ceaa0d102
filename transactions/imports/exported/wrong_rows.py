"""Whether staged rows break a rule that no CHECK of the database has.

One statement for each file. `scan` then finds the lines, by the same rules.
"""

from collections import defaultdict
from collections.abc import Iterator

from django.db import connection

from accounts.commands.change_limits import MAX_DAILY_COUNT
from core.currencies import CURRENCIES
from core.money import MAX_AMOUNT, UNIT_DIGITS, UNITS_PER_MAIN
from transactions.files.cells import AMOUNT, TOTAL
from transactions.files.file_format import FileFormat
from transactions.imports.exported.limits import choices
from transactions.imports.exported.staging import staged

# Units of 1/10,000 in the smallest amount of a currency.
_STEPS: dict[int, list[str]] = defaultdict(list)
for _code, _digits in CURRENCIES.items():
    _STEPS[10 ** (UNIT_DIGITS - _digits)].append(f"'{_code}'")
_STEP = " ".join(
    f"WHEN s.currency IN ({', '.join(codes)}) THEN {step}" for step, codes in _STEPS.items()
)
_MOST = int(MAX_AMOUNT) * UNITS_PER_MAIN


def has_wrong_rows(form: FileFormat) -> bool:
    """Whether a staged row has a word, an amount or a limit that the bank itself never writes."""
    wrong = " OR ".join([*_unknown_words(form), *_broken_amounts(form), *_out_of_range(form)])
    if not wrong:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {staged(form)} AS s WHERE {wrong})")
        return bool(cursor.fetchone()[0])


def _unknown_words(form: FileFormat) -> Iterator[str]:
    for name, words in choices(form).items():
        if any(column.name == name for column in form.columns):
            known = ", ".join(f"'{word}'" for word in sorted({*words, ""}))
            yield f"coalesce(s.{name}, '') NOT IN ({known})"


def _broken_amounts(form: FileFormat) -> Iterator[str]:
    """Amounts with more decimals than their currency has."""
    if not any(column.name == "currency" for column in form.columns):
        return
    for column in form.columns:
        if column.kind in (AMOUNT, TOTAL):
            yield f"{_units(column.name)} % CASE {_STEP} ELSE 1 END <> 0"


def _out_of_range(form: FileFormat) -> Iterator[str]:
    if form.name == "account_limits":
        for name in ("max_amount", "daily_amount"):
            yield f"{_units(name)} NOT BETWEEN 0 AND {_MOST}"
        yield f"s.daily_count NOT BETWEEN 0 AND {MAX_DAILY_COUNT}"
    if form.name == "hold_events":
        yield "s.captured < 0"
    if form.name == "holds":
        yield "s.expires_at <= s.created_at"


def _units(name: str) -> str:
    """PostgreSQL stages amounts in main units, SQLite in units."""
    if connection.vendor == "postgresql":
        return f"s.{name} * {UNITS_PER_MAIN}"
    return f"s.{name}"
