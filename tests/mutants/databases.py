"""Migrated databases: one template of each kind, and a copy for every trial."""

import shutil
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

# `flush` empties only databases whose name begins with this word.
PREFIX = "test_mutants_"
TEMPLATE = f"{PREFIX}template"


class Databases(Protocol):
    """`url` is DATABASE_URL, empty for SQLite."""

    url: str

    def name_of(self, copy: str) -> str:
        """Django's name for the database of this copy."""

    def renew(self, copy: str) -> None:
        """Resets the copy to the template's state."""


class SqliteDatabases:
    url = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def name_of(self, copy: str) -> str:
        return str(self._folder / f"{copy}.sqlite3")

    def renew(self, copy: str) -> None:
        for left in self._folder.glob(f"{copy}.sqlite3*"):
            left.unlink()
        shutil.copy(self.name_of(TEMPLATE), self.name_of(copy))


class PostgresqlDatabases:
    def __init__(self, url: str) -> None:
        self.url = url

    def name_of(self, copy: str) -> str:
        return copy

    def renew(self, copy: str) -> None:
        name = sql.Identifier(copy)
        with psycopg.connect(self.url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            template = sql.Identifier(TEMPLATE)
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template))
