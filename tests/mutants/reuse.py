"""A pytest plugin: the tests run on an existing database, which is a copy of a migrated one."""

import os

from django.conf import settings

NAME_VARIABLE = "MUTANTS_DATABASE"


def pytest_configure() -> None:
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = os.environ[NAME_VARIABLE]
