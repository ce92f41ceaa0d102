from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class StaffConfig(AppConfig):
    name = "staff"
    verbose_name = "Staff"

    def ready(self) -> None:
        from staff import (
            schema,  # noqa: F401 - tells drf-spectacular about the authentication
            sessions,  # noqa: F401 - notes when a session begins
        )


class StaffAdminConfig(admin_apps.AdminConfig):
    """Django's admin, behind the bank's own way to log in."""

    default = False
    default_site = "staff.site.StaffAdminSite"
