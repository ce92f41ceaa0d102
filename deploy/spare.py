"""Empties the spare database of drills: it drops the bank of the last drill, and nothing else."""

from psycopg import Connection, connect, sql

# A comment on the database: its content is a copy that the next drill may drop.
_MARK = "Spare database of drills: the next drill drops all that is in it."


class BackupFailed(Exception):
    """The step failed. The message is for the operator."""


def empty(url: str, bank_url: str) -> None:
    """Drops the bank of the last drill, and marks an empty database for drills.

    Raises BackupFailed for the bank itself, for a database not filled by a drill, and for one in
    use: it may have become a bank.
    """
    with connect(url) as connection:
        if _address(connection) == _address_of(bank_url):
            raise BackupFailed("--into names the bank itself. A drill needs a spare database.")
        count, is_marked = count_tables(connection), _is_marked(connection)
        if count and not is_marked:
            raise BackupFailed(f"The database has {count} tables. A drill needs an empty one.")
        if count:
            if sessions := _count_others(connection):
                raise BackupFailed(f"{sessions} other sessions use the database of the last drill.")
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        if not is_marked:
            name = sql.Identifier(connection.info.dbname)
            text = sql.Literal(_MARK)
            connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, text))


def count_tables(connection: Connection) -> int:
    query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    row = connection.execute(query).fetchone()
    return row[0] if row else 0


def _is_marked(connection: Connection) -> bool:
    query = (
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE datname = current_database()"
    )
    return connection.execute(query).fetchone() == (_MARK,)


def _count_others(connection: Connection) -> int:
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    row = connection.execute(query).fetchone()
    return row[0] if row else 0


def _address_of(url: str) -> tuple[object, ...]:
    with connect(url) as connection:
        return _address(connection)


def _address(connection: Connection) -> tuple[object, ...]:
    """The database's identity, equal for all connections to it, under any host name."""
    query = (
        "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()"
    )
    return tuple(connection.execute(query).fetchone() or ())
