"""Storage parameters of tables on PostgreSQL, set by migrations.

ALTER TABLE ... SET rewrites nothing and waits for no reader or writer: it takes SHARE UPDATE
EXCLUSIVE. Parameters are for PostgreSQL only; SQLite has none.
"""

from typing import Any

from django.db import migrations


def storage_parameters(table: str, **values: float) -> migrations.RunPython:
    """The operation that gives the table these parameters. Undone, they have their defaults."""

    def give(_apps: Any, schema_editor: Any) -> None:
        pairs = ", ".join(f"{name} = {value}" for name, value in values.items())
        _alter(schema_editor, f"ALTER TABLE {table} SET ({pairs})")

    def take_back(_apps: Any, schema_editor: Any) -> None:
        _alter(schema_editor, f"ALTER TABLE {table} RESET ({', '.join(values)})")

    return migrations.RunPython(give, take_back, elidable=False)


def _alter(schema_editor: Any, statement: str) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(statement)
