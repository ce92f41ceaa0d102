"""Staff actions that move no money, in the admin's own log, which the audit log shows."""

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model


def record(user_id: int | None, row: Model | None, name: str, flag: int, words: str) -> None:
    """Records an action in the caller's database transaction.

    `name` describes the row, and is never a secret. Without a row the action concerns the bank as a
    whole. `user_id` must not be None.
    """
    assert user_id is not None, "The admin is for those who are logged in."
    LogEntry.objects.create(
        user_id=user_id,
        content_type=ContentType.objects.get_for_model(row) if row else None,
        object_id=str(row.pk) if row else None,
        object_repr=name[:200],
        action_flag=flag,
        change_message=words,
    )
