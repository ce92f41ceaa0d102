"""Moments that Django and packages stamp by themselves, taken from the bank's clock.

Their fields read the clock of the host. Two hosts never agree, and the audit log sorts such rows
among those of the bank.
"""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.utils import timezone

from core import clock


class _Unasked(datetime):
    """The host's time in a row that is not saved yet, and for which nobody gave another."""


class BankMoment(models.DateTimeField):  # type: ignore[type-arg]
    """A DateTimeField whose own values are the bank's time. Migrations see a DateTimeField.

    The bank's clock is asked when a row is saved, not when one is made.
    """

    def get_default(self) -> Any:
        default = super().get_default()
        if self.default is timezone.now:
            return _Unasked.combine(default.date(), default.timetz())
        return default

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        given = getattr(model_instance, self.attname)
        if not (self.auto_now or (add and (self.auto_now_add or isinstance(given, _Unasked)))):
            return super().pre_save(model_instance, add)
        moment = clock.now()
        setattr(model_instance, self.attname, moment)
        return moment

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, options


def keep(model: str, *names: str) -> None:
    """Lets these fields of `app.Model`, which others defined, take the bank's time."""
    for name in names:
        field = apps.get_model(model)._meta.get_field(name)
        assert isinstance(field, models.DateTimeField)
        field.__class__ = BankMoment
