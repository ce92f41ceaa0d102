"""Uploaded files of movements."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from desk.states import FileStatus

_UNDECIDED = Q(status=FileStatus.WAITING)
_DECLINED = Q(status=FileStatus.REJECTED)


class DeskFile(models.Model):
    """A file of movements that staff have uploaded, and what became of it. Kept for ever.

    Its content has been read and tried before it is stored. A second person approves it; then a
    worker posts it, `piece` movements in each database transaction. The first `done` movements are
    posted, and the counts tell their outcome. The batch of each piece has a key of the file, so the
    journal knows which transactions are the file's.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=255)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content.")
    size = models.PositiveIntegerField(help_text="Bytes.")
    rows = models.PositiveIntegerField(help_text="Movements.")
    atomic = models.BooleanField(help_text="All of the movements or none.")
    piece = models.PositiveIntegerField(help_text="Movements in a database transaction.")
    status = models.CharField(max_length=9, choices=FileStatus.choices, default=FileStatus.WAITING)
    expected = models.JSONField(help_text="What the dry run at the upload said.")
    done = models.PositiveIntegerField(default=0)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    pending = models.PositiveIntegerField(default=0)
    replayed = models.PositiveIntegerField(
        default=0, help_text="Movements that an earlier request with their key had made."
    )
    problem = models.CharField(
        max_length=500, blank=True, default="", help_text="Why it stopped, or was not reversed."
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    uploaded_at = models.DateTimeField()
    caller = models.CharField(max_length=80)
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True, default="")
    posted_at = models.DateTimeField(null=True, help_text="When the work on it ended.")
    reversal_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reversal_asked_at = models.DateTimeField(null=True)
    reversal_reason = models.CharField(max_length=500, blank=True, default="")
    reversal_request_id = models.CharField(max_length=64, blank=True, default="")
    reversal_address = models.GenericIPAddressField(null=True)
    reversal_attempts = models.PositiveIntegerField(default=0)
    reversed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "file"
        ordering = ("-id",)
        indexes = (models.Index(fields=["status", "decided_at"], name="desk_file_by_status"),)
        constraints = (
            models.UniqueConstraint(
                fields=["digest"], condition=~_DECLINED, name="desk_file_uploaded_once"
            ),
            models.CheckConstraint(
                condition=_UNDECIDED | _DECLINED | ~Q(decided_by=F("uploaded_by")),
                name="desk_file_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=(_UNDECIDED & Q(decided_by__isnull=True, decided_at__isnull=True))
                | (~_UNDECIDED & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="desk_file_decided_or_waits",
            ),
            models.CheckConstraint(
                condition=Q(status__in=FileStatus.values, rows__gte=1, done__lte=F("rows")),
                name="desk_file_done_within_rows",
            ),
        )

    def __str__(self) -> str:
        return self.name


class DeskContent(models.Model):
    """The content of a file as it was uploaded, and its dry run, by row. Append-only.

    `tried` is compressed JSON (`desk.rows`).
    """

    file = models.OneToOneField(
        DeskFile, primary_key=True, on_delete=models.PROTECT, related_name="content"
    )
    content = models.BinaryField()
    tried = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Content of {self.file_id}"
