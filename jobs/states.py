"""The states of a run."""

from django.db.models import TextChoices


class JobState(TextChoices):
    WAITING = "WAITING", "Waiting"
    RUNNING = "RUNNING", "Running"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"


# A run that has not ended.
UNDER_WAY = (JobState.WAITING, JobState.RUNNING)
# There is one at most for each job, date and slot.
STANDING = (*UNDER_WAY, JobState.DONE)
