"""Every way to change or delete a row, by Django and by SQL.

Guards are tested with all of them, since most bypass `save()` and `delete()`.
"""

from collections.abc import Callable
from typing import Any

from django.core import serializers
from django.db import connection, models

UpdateRoute = Callable[[models.Model, str, Any], None]
DeleteRoute = Callable[[models.Model], None]


def _manager(row: models.Model) -> models.Manager[Any]:
    return type(row)._default_manager


def _with(row: models.Model, name: str, value: Any) -> models.Model:
    setattr(row, name, value)
    return row


def _execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def _stored_value(row: models.Model, name: str, value: Any) -> Any:
    return row._meta.get_field(name).get_db_prep_save(value, connection)


def _columns_with(row: models.Model, name: str) -> tuple[str, str]:
    """All columns, and the same list with a parameter in place of the column `name`."""
    columns = [field.column for field in row._meta.concrete_fields]
    column = row._meta.get_field(name).column
    return ", ".join(columns), ", ".join("%s" if c == column else c for c in columns)


def _update(verb: str) -> UpdateRoute:
    def route(row: models.Model, name: str, value: Any) -> None:
        column = row._meta.get_field(name).column
        _execute(
            f"{verb} {row._meta.db_table} SET {column} = %s WHERE id = %s",
            _stored_value(row, name, value),
            _stored_value(row, "id", row.pk),
        )

    return route


def _replace(verb: str) -> UpdateRoute:
    def route(row: models.Model, name: str, value: Any) -> None:
        columns, changed = _columns_with(row, name)
        table = row._meta.db_table
        _execute(
            f"{verb} INTO {table} ({columns}) SELECT {changed} FROM {table} WHERE id = %s",
            _stored_value(row, name, value),
            _stored_value(row, "id", row.pk),
        )

    return route


def _merge(row: models.Model, name: str, value: Any) -> None:
    table, column = row._meta.db_table, row._meta.get_field(name).column
    _execute(
        f"MERGE INTO {table} AS kept USING (VALUES (1)) AS new ON kept.id = %s"
        f" WHEN MATCHED THEN UPDATE SET {column} = %s",
        row.pk,
        _stored_value(row, name, value),
    )


def _fixture(row: models.Model, name: str, value: Any) -> None:
    # Not in JSON, which would cut times to milliseconds and so change them.
    objects = serializers.serialize("python", [_with(row, name, value)])
    for loaded in serializers.deserialize("python", objects):
        loaded.save()


def _upsert(row: models.Model, name: str, value: Any) -> None:
    _manager(row).bulk_create(
        [_with(row, name, value)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[name],
    )


UPDATE_ROUTES: dict[str, UpdateRoute] = {
    "save": lambda row, name, value: _with(row, name, value).save(),
    "save of fields": lambda row, name, value: _with(row, name, value).save(update_fields=[name]),
    "base save": lambda row, name, value: _with(row, name, value).save_base(raw=True),
    "update": lambda row, name, value: _manager(row).filter(pk=row.pk).update(**{name: value}),
    "bulk update": lambda row, name, value: _manager(row).bulk_update(
        [_with(row, name, value)], [name]
    ),
    "update or create": lambda row, name, value: _manager(row).update_or_create(
        pk=row.pk, defaults={name: value}
    ),
    "bulk create over conflicts": _upsert,
    "fixture": _fixture,
    "SQL": _update("UPDATE"),
}
DELETE_ROUTES: dict[str, DeleteRoute] = {
    "delete": lambda row: row.delete(),
    "delete of all": lambda row: _manager(row).all().delete(),
    "raw delete": lambda row: _manager(row).filter(pk=row.pk)._raw_delete("default"),
    "SQL": lambda row: _execute(
        f"DELETE FROM {row._meta.db_table} WHERE id = %s", _stored_value(row, "id", row.pk)
    ),
    "SQL for all": lambda row: _execute(f"DELETE FROM {row._meta.db_table}"),
}

if connection.vendor == "sqlite":
    UPDATE_ROUTES |= {
        # OR REPLACE and OR IGNORE handle conflicts; a guard must hold in spite of them.
        "UPDATE OR REPLACE": _update("UPDATE OR REPLACE"),
        "UPDATE OR IGNORE": _update("UPDATE OR IGNORE"),
        "REPLACE": _replace("REPLACE"),
        "INSERT OR REPLACE": _replace("INSERT OR REPLACE"),
    }
else:
    UPDATE_ROUTES |= {"MERGE": _merge}
    DELETE_ROUTES |= {
        # Deferred checks must run first, or PostgreSQL refuses because of them.
        "TRUNCATE": lambda row: _execute(
            f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {row._meta.db_table} CASCADE"
        ),
        "MERGE": lambda row: _execute(
            f"MERGE INTO {row._meta.db_table} AS kept USING (VALUES (1)) AS new"
            " ON kept.id = %s WHEN MATCHED THEN DELETE",
            row.pk,
        ),
    }
