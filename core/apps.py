from django.apps import AppConfig
from django.core import checks
from django.core.signals import got_request_exception
from django.db.backends.postgresql.features import DatabaseFeatures
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

OLDEST_POSTGRESQL = (15,)


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        # Django sends both signals for every app with models. One is enough, and auth always has
        # models.
        from django.apps import apps

        from core import database, nearest_names, replicated, rights, table_health, timeouts
        from core.request_log import log_crash

        # Django asks each connection, and raises NotSupportedError in one sentence.
        DatabaseFeatures.minimum_database_version = OLDEST_POSTGRESQL
        first = apps.get_app_config("contenttypes")
        pre_migrate.connect(database.before_migrate, sender=first)
        post_migrate.connect(database.after_migrate, sender=first)
        post_migrate.connect(nearest_names.after_migrate, sender=first)
        got_request_exception.connect(log_crash)
        checks.register(database.check_objects, checks.Tags.database)
        checks.register(database.check_sqlite_settings, checks.Tags.database)
        checks.register(rights.check_rights, checks.Tags.database)
        checks.register(timeouts.check_timeouts, checks.Tags.database)
        checks.register(table_health.check_table_health, checks.Tags.database)
        connection_created.connect(timeouts.set_timeouts)
        connection_created.connect(replicated.wait_for_standby)
