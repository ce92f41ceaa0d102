"""Keeps from where each record of staff came: its address and its request.

The logs of the admin and of logins have no columns for them, so they stand beside the record. What
a command on the server records has none.
"""

from typing import Any

from axes.models import AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.db.models.signals import post_save

from core.api.request_id import current_address, current_request_id
from staff.models import FailedLoginOrigin, LogEntryOrigin, LoginOrigin

_ORIGINS: dict[type[Model], Any] = {
    LogEntry: LogEntryOrigin,
    AccessLog: LoginOrigin,
    AccessFailureLog: FailedLoginOrigin,
}


def keep_origin(
    sender: type[Model], *, instance: Model, created: bool, raw: bool = False, **_: Any
) -> None:
    """post_save: keeps the origin of a new record, in the database transaction that writes it."""
    if created and not raw and (request_id := current_request_id.get()):
        address = current_address.get() or None
        _ORIGINS[sender].objects.create(record=instance, address=address, request_id=request_id)


for _model in _ORIGINS:
    post_save.connect(keep_origin, sender=_model, dispatch_uid=f"staff.origins.{_model.__name__}")
