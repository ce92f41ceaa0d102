"""Gives the events of holds their positions."""

from django.db import migrations

from events import positions


def add(apps, schema_editor):
    if schema_editor.connection.vendor == 'postgresql':
        positions.add_column(schema_editor.connection, positions.HOLD_EVENTS)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == 'postgresql':
        positions.drop_column(schema_editor.connection, positions.HOLD_EVENTS)


class Migration(migrations.Migration):
    # As the first one.
    atomic = False

    dependencies = [
        ('events', '0001_positions'),
        ('transactions', '0014_hold_events'),
    ]

    operations = [
        migrations.RunPython(add, drop, elidable=False),
    ]
