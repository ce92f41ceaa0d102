from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class StaffConfig(AppConfig):
    name = "staff"
    verbose_name = "Staff"

    def ready(self) -> None:
        from staff import (
            one_time,  # noqa: F401 - records logins with a one-time password
            origins,  # noqa: F401 - keeps the origin of records of staff
            schema,  # noqa: F401 - registers the authentication with drf-spectacular
            sessions,  # noqa: F401 - records the start of a session
        )


class StaffAdminConfig(admin_apps.AdminConfig):
    """Django's admin with the bank's own login."""

    default = False
    default_site = "staff.site.StaffAdminSite"
