"""Building blocks of the guards: triggers with the same effect on SQLite and PostgreSQL.

Every guard's error reaches Django as IntegrityError. `when` conditions use OLD, NEW and `IS
DISTINCT FROM`, which becomes `IS NOT` for SQLite.
"""

from collections.abc import Iterable, Sequence

from core.database_objects import DatabaseObject

_INTEGRITY_ERROR = "restrict_violation"  # SQLSTATE 23001


def refuse(
    name: str,
    table: str,
    event: str,
    message: str,
    *,
    when: str = "",
    violation: str = "",
    since: int = 1,
    replaces: str = "",
) -> DatabaseObject:
    """A row trigger that refuses an INSERT, UPDATE or DELETE, always or if `when` holds.

    `since` and `replaces`: see DatabaseObject. A changed text needs both.
    """
    sqlite_when = f"\nWHEN {when.replace('IS DISTINCT FROM', 'IS NOT')}" if when else ""
    return DatabaseObject(
        name=name,
        kind="trigger",
        table=table,
        sqlite=(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{sqlite_when}\n"
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        ),
        postgresql=(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW"
            f"{f' WHEN ({when})' if when else ''} EXECUTE FUNCTION {name}()"
        ),
        function_body=_raise(message, violation or _INTEGRITY_ERROR),
        since=since,
        replaces=replaces,
    )


def refuse_unless(
    name: str,
    table: str,
    columns: Sequence[str],
    message: str,
    *,
    when: str,
    sqlite_unless: str,
    postgresql_unless: str,
    event: str = "UPDATE",
    deferred: bool = False,
    since: int = 1,
    replaces: str = "",
) -> DatabaseObject:
    """A row trigger that refuses an UPDATE of these columns unless a condition on others holds.

    Without columns it refuses any UPDATE, or any INSERT if that is the `event`.

    SQLite checks before the update, and so does PostgreSQL without `deferred`. With it, PostgreSQL
    checks at the end of the database transaction, where the order of the statements no longer
    matters. `since` and `replaces` as in `refuse`.
    """
    of = f"{event} OF {', '.join(columns)} ON {table}" if columns else f"{event} ON {table}"
    at_once = f"CREATE TRIGGER {name} BEFORE {of} FOR EACH ROW"
    at_the_end = (
        f"CREATE CONSTRAINT TRIGGER {name} AFTER {of} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    )
    raising = f"RAISE EXCEPTION '{message}' USING ERRCODE = '{_INTEGRITY_ERROR}'"
    return DatabaseObject(
        name=name,
        kind="trigger",
        table=table,
        sqlite=(
            f"{at_once}\nWHEN {when.replace('IS DISTINCT FROM', 'IS NOT')}\n"
            f"BEGIN SELECT RAISE(ABORT, '{message}') WHERE NOT {sqlite_unless}; END"
        ),
        postgresql=(
            f"{at_the_end if deferred else at_once} WHEN ({when}) EXECUTE FUNCTION {name}()"
        ),
        function_body=(
            f"\nBEGIN\n    IF NOT {postgresql_unless} THEN\n        {raising};\n    END IF;\n"
            "    RETURN NEW;\nEND\n"
        ),
        since=since,
        replaces=replaces,
    )


def refuse_truncate(name: str, table: str, message: str) -> DatabaseObject:
    """Refuses PostgreSQL's TRUNCATE, which bypasses row triggers. SQLite has no TRUNCATE."""
    return DatabaseObject(
        name=name,
        kind="trigger",
        table=table,
        postgresql=(
            f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION {name}()"
        ),
        function_body=_raise(message, _INTEGRITY_ERROR),
    )


def never_deleted(table: str, what: str) -> list[DatabaseObject]:
    """Guards against deleting rows of this table."""
    return [
        refuse(f"{table}_no_delete", table, "DELETE", f"{what} are never deleted"),
        refuse_truncate(f"{table}_no_truncate", table, f"{what} are never deleted"),
    ]


def append_only(table: str, what: str) -> list[DatabaseObject]:
    """Guards against changing or deleting rows of this table."""
    return [
        *never_deleted(table, what),
        refuse(f"{table}_no_update", table, "UPDATE", f"{what} never change"),
    ]


def changed(columns: Iterable[str]) -> str:
    """The condition that an UPDATE changes one of these columns."""
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)


def _raise(message: str, violation: str) -> str:
    return f"\nBEGIN\n    RAISE EXCEPTION '{message}' USING ERRCODE = '{violation}';\nEND\n"
