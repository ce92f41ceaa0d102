"""Leaves room in the pages of the accounts, on PostgreSQL.

Each posting writes its accounts anew. Where the new version fits into the page of the old one, no
index is touched (a heap-only update); in full pages each update went through all five indexes.
Pages that exist keep what they have until VACUUM FULL.
"""

from django.db import migrations


def leave_room(_apps, schema_editor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE accounts_account SET (fillfactor = 50)")


def fill(_apps, schema_editor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE accounts_account RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(leave_room, fill, elidable=False)]
