"""Indexes on tables that are written to while a migration builds them."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex
from django.db.migrations.state import ProjectState

from core.timeouts import switched_off


class AddIndexBesideWriters(AddIndex):
    """AddIndex that makes no writer wait on PostgreSQL. The migration must have `atomic = False`.

    The build waits, without a time-out, for the end of each database transaction that was open when
    it began. An interrupted build leaves an invalid index, which the next build drops first.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(connection.alias, model):
            return
        beside: dict[str, Any] = {"concurrently": True}
        with switched_off(connection, "lock_timeout"):
            schema_editor.remove_index(model, self.index, **beside)
            schema_editor.add_index(model, self.index, **beside)
