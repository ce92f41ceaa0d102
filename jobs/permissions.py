"""Permissions on jobs, for staff only."""

from core.api.permissions import StaffRight

VIEW_RIGHT = "jobs.view_jobrun"
RUN_RIGHT = "jobs.run_job"


class CanReadJobs(StaffRight):
    right = VIEW_RIGHT
    scope = "jobs:read"


class CanRunJobs(StaffRight):
    right = RUN_RIGHT
    scope = "jobs:run"
