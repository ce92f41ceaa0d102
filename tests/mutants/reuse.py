"""A plugin of pytest: tests run on a database that is there, a copy of a migrated one."""

import os

from django.conf import settings

NAME_VARIABLE = "MUTANTS_DATABASE"


def pytest_configure() -> None:
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = os.environ[NAME_VARIABLE]
