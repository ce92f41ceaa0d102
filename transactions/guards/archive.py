"""Database guards of the archive's records."""

from core.guards import append_only, never_deleted, refuse

RUNS = "transactions_archiverun"
SEGMENTS = "transactions_archivesegment"

OBJECTS = [
    *never_deleted(RUNS, "archive runs"),
    refuse(
        f"{RUNS}_final",
        RUNS,
        "UPDATE",
        "a finished archive run never changes",
        when="OLD.finished_at IS NOT NULL",
    ),
    *append_only(SEGMENTS, "archive segments"),
]
