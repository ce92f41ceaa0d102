from django.apps import AppConfig
from django.db.models.signals import post_save

from accounts.guards import GUARDS


class AccountsConfig(AppConfig):
    name = "accounts"
    database_objects = GUARDS

    def ready(self) -> None:
        from django.contrib.auth import get_user_model

        from accounts.names import keep_customer_of_accounts, keep_user_words
        from customers.models import Customer

        post_save.connect(keep_user_words, sender=get_user_model())
        post_save.connect(keep_customer_of_accounts, sender=Customer)
