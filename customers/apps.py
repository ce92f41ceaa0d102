from django.apps import AppConfig

from customers.guards import GUARDS


class CustomersConfig(AppConfig):
    name = "customers"
    database_objects = GUARDS
