from django.apps import AppConfig
from django.db.models.signals import post_save

from customers.guards import GUARDS


class CustomersConfig(AppConfig):
    name = "customers"
    database_objects = GUARDS

    def ready(self) -> None:
        from customers.models import Customer
        from customers.words import keep_customer_words

        post_save.connect(keep_customer_words, sender=Customer)
