"""What staff do with clients and tokens, in the admin's own log, which the audit log shows."""

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest


def record(request: HttpRequest, row: Model, name: str, flag: int, words: str) -> None:
    """Writes it down in the caller's transaction. `name` is the row's, in words: never a secret."""
    assert request.user.pk is not None, "The admin is for those who are logged in."
    LogEntry.objects.create(
        user_id=request.user.pk,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=name[:200],
        action_flag=flag,
        change_message=words,
    )
