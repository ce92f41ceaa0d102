"""Errors of jobs."""

from core.background import JobFailed


class JobBusy(JobFailed):
    """The job cannot work now, and may succeed a little later."""
