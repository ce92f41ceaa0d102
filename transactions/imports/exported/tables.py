"""Moves rows from staging tables into the bank's tables, under all guards: inserts, then updates.

An account is inserted empty and gets its balance with its sequence. A transaction is inserted
waiting or settled, and a worker's claim is restored as an expired one.
"""

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection

from core import clock
from core.sql.bulk import analyse
from transactions.files.cells import AMOUNT, CALLER, TOTAL, USER
from transactions.files.file_format import Column, FileFormat
from transactions.files.formats import ACCOUNTS
from transactions.guards.holds import SUM_OF_OPEN
from transactions.imports.exported.limits import is_text
from transactions.imports.exported.staging import staged

# Derived from other columns.
_NOT_STORED = {"accounts_account": {"opening_balance"}}
# SQL of a row's initial value, where it differs from the file's.
_AT_BIRTH = {
    "accounts_account": {
        "balance": "CASE WHEN s.balance IS NOT NULL THEN 0 END",
        "last_sequence": "CASE WHEN s.last_sequence IS NOT NULL THEN 0 END",
        "last_posted_at": "NULL",
    },
    "transactions_transaction": {
        "status": "CASE s.status WHEN 'PROCESSING' THEN 'PENDING' ELSE s.status END",
    },
    "transactions_hold": {
        "captured": "0",
        "status": "'OPEN'",
        "ended_at": "NULL",
    },
}
# An id of 16 random bytes, as the database stores it.
_RANDOM_ID = {"postgresql": "gen_random_uuid()", "sqlite": "lower(hex(randomblob(16)))"}


def insert(form: FileFormat) -> int:
    """Inserts the staged rows and returns how many. An internal account may already exist."""
    at_birth = _AT_BIRTH.get(form.table, {})
    derived = _NOT_STORED.get(form.table, set())
    columns = [column for column in form.columns if column.name not in derived]
    targets = ", ".join(_target(column) for column in columns)
    values = ", ".join(at_birth.get(column.name) or _value(column) for column in columns)
    conflict = " ON CONFLICT (id) DO NOTHING" if form is ACCOUNTS else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {form.table} ({targets})"
            f" SELECT {values} FROM {staged(form)} AS s{_joins(columns)} WHERE true{conflict}"
        )
        count = int(cursor.rowcount)
    analyse(form.table)
    return count


def post_balances() -> None:
    """Sets the balances of the accounts from their entries, as in the file."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE accounts_account SET balance = {_units('s.balance')},"
            " last_sequence = s.last_sequence, last_posted_at = s.last_posted_at"
            f" FROM {staged(ACCOUNTS)} AS s"
            " WHERE accounts_account.id = s.id AND s.last_sequence > 0"
        )


def settle_holds(form: FileFormat) -> None:
    """Sets what became of the holds, and then what their accounts hold."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {form.table} SET captured = {_units('s.captured')}, status = s.status,"
            f" ended_at = s.ended_at FROM {staged(form)} AS s WHERE {form.table}.id = s.id"
            f" AND (s.status <> 'OPEN' OR {_units('s.captured')} <> 0)"
        )
        total = SUM_OF_OPEN.format(account="accounts_account.id")
        cursor.execute(
            f"UPDATE accounts_account SET held = {total} WHERE id IN"
            f" (SELECT account_id FROM {form.table} WHERE status = 'OPEN')"
        )


def give_customers(form: FileFormat) -> int:
    """Sets the customers of the accounts, and returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE accounts_account SET customer_id = s.customer_id FROM {staged(form)} AS s"
            " WHERE accounts_account.id = s.id"
        )
        return int(cursor.rowcount)


def set_limits(form: FileFormat) -> int:
    """Sets the limits of the accounts' payments, and returns how many have any."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE accounts_account SET max_amount = {_units('s.max_amount')},"
            f" daily_amount = {_units('s.daily_amount')}, daily_count = s.daily_count"
            f" FROM {staged(form)} AS s WHERE accounts_account.id = s.id"
        )
        return int(cursor.rowcount)


def put_back_claims(form: FileFormat) -> None:
    """Gives started rows an expired lease, so that the next worker returns them to the queue."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {form.table} SET status = 'PROCESSING',"
            f" lease_token = {_RANDOM_ID[connection.vendor]}, lease_expires_at = s.updated_at"
            f" FROM {staged(form)} AS s WHERE {form.table}.id = s.id AND s.status = 'PROCESSING'"
        )


def create_users(form: FileFormat) -> int:
    """Creates missing users that the staged rows name: inactive, without a password."""
    named = [column for column in form.columns if column.kind in (USER, CALLER)]
    if not named:
        return 0
    names = " UNION ".join(
        f"SELECT {_user_name(column)} AS name FROM {staged(form)} AS s WHERE {_names_user(column)}"
        for column in named
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_user (username, password, is_active, is_staff, is_superuser,"
            " first_name, last_name, email, date_joined)"
            f" SELECT name, '{UNUSABLE_PASSWORD_PREFIX}' || {_RANDOM_ID[connection.vendor]},"
            f" false, false, false, '', '', '', %s FROM ({names}) AS names"
            " WHERE NOT EXISTS (SELECT 1 FROM auth_user WHERE username = name)",
            [clock.now()],
        )
        return int(cursor.rowcount)


def _user_name(column: Column) -> str:
    return f"substr(s.{column.name}, 6)" if column.kind == CALLER else f"s.{column.name}"


def _names_user(column: Column) -> str:
    if column.kind == CALLER:
        return f"substr(s.{column.name}, 1, 5) = 'user:'"
    return f"s.{column.name} IS NOT NULL"


def _joins(columns: list[Column]) -> str:
    return "".join(
        f" LEFT JOIN auth_user AS user_{column.name} ON {_names_user(column)}"
        f" AND user_{column.name}.username = {_user_name(column)}"
        for column in columns
        if column.kind in (USER, CALLER)
    )


def _target(column: Column) -> str:
    if column.kind == USER:
        return column.stored or f"{column.name}_id"
    return column.name


def _value(column: Column) -> str:
    value = f"s.{column.name}"
    if column.kind == USER:
        return f"user_{column.name}.id"
    if column.kind in (AMOUNT, TOTAL):
        return _units(value)
    if column.kind == CALLER:
        value = f"coalesce('user:' || user_{column.name}.id, {value})"
    if is_text(column.kind) and not column.is_nullable:
        return f"coalesce({value}, '')"
    return value


def _units(value: str) -> str:
    """A staged amount in units. PostgreSQL stages it in main units, SQLite in units."""
    if connection.vendor == "postgresql":
        return f"CAST({value} * 10000 AS bigint)"
    return value
