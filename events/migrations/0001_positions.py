"""Gives the rows that the feed is made of their positions. On SQLite the rowid is the position."""

from django.db import migrations

from events import positions

# Those of this migration.
TABLES = positions.TABLES[:3]


def add(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != 'postgresql':
        return
    for table in TABLES:
        positions.add_column(connection, table)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == 'postgresql':
        for table in TABLES:
            positions.drop_column(schema_editor.connection, table)


class Migration(migrations.Migration):
    # Or the index would be built within a transaction, and writers of the journal would wait.
    atomic = False

    initial = True

    dependencies = [
        ('accounts', '0007_words_of_names'),
        ('transactions', '0012_notes'),
    ]

    operations = [
        migrations.RunPython(add, drop, elidable=False),
    ]
