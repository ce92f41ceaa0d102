"""What staff do beyond money, in the admin's own log, which the audit log shows."""

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model


def record(user_id: int | None, row: Model | None, name: str, flag: int, words: str) -> None:
    """Writes it down in the caller's transaction. `name` is the row's, in words: never a secret.

    Without a row it is about the bank as a whole. `user_id` is not None.
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
