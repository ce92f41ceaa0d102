"""`migrate`, to which missing guards are a warning: it is the command that puts them back."""

from typing import Any

from django.core.checks import Warning
from django.core.management.commands import migrate

from core import database


class Command(migrate.Command):
    def check(self, *args: Any, **kwargs: Any) -> None:
        with database.reported_as(Warning):
            super().check(*args, **kwargs)
