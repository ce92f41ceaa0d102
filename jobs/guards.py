"""Database guards of job runs: one that has ended stays as it is, and none is deleted."""

from core.guards import never_deleted, refuse

RUNS = "jobs_jobrun"

GUARDS = [
    *never_deleted(RUNS, "job runs"),
    refuse(
        f"{RUNS}_final",
        RUNS,
        "UPDATE",
        "a job run that has ended never changes",
        when="OLD.ended_at IS NOT NULL",
    ),
]
