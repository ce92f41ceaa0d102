from django.apps import AppConfig


class BankProjectConfig(AppConfig):
    name = "bankproject"
    verbose_name = "Bank"
