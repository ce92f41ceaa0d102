from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class BankProjectConfig(AppConfig):
    name = "bankproject"
    verbose_name = "Bank"

    def ready(self) -> None:
        from bankproject.roles import make_groups

        # The last app with rights of its own: by then, all of them are in the database.
        post_migrate.connect(make_groups, sender=apps.get_app_config("clients"))
