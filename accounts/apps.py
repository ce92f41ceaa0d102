from django.apps import AppConfig

from accounts.guards import GUARDS


class AccountsConfig(AppConfig):
    name = "accounts"
    database_objects = GUARDS
