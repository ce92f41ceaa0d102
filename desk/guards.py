"""Database guards of uploaded files: what was uploaded and decided stays, and is never deleted."""

from core.guards import append_only, changed, refuse
from desk.states import MOVES

FILES = "desk_deskfile"
CONTENTS = "desk_deskcontent"

_IDENTITY = (
    "id", "name", "digest", "size", "rows", "atomic", "piece", "expected", "uploaded_by_id",
    "uploaded_at", "caller", "request_id", "address",
)  # fmt: skip
_DECISION = ("decided_by_id", "decided_at", "decision_reason")
_ALLOWED = " OR ".join(
    f"(OLD.status = '{before}' AND NEW.status = '{after}')"
    for before, afterwards in MOVES.items()
    for after in afterwards
)

GUARDS = [
    # No TRUNCATE empties a table that another one refers to, unless it empties that one too.
    refuse(f"{FILES}_no_delete", FILES, "DELETE", "uploaded files are never deleted"),
    *append_only(CONTENTS, "contents of uploaded files"),
    refuse(
        "desk_file_birth",
        FILES,
        "INSERT",
        "an uploaded file begins undecided, with nothing posted",
        when="NEW.status <> 'WAITING' OR NEW.done <> 0",
    ),
    refuse(
        "desk_file_identity",
        FILES,
        "UPDATE",
        "an uploaded file keeps its content and its maker",
        when=changed(_IDENTITY),
    ),
    refuse(
        "desk_file_moves",
        FILES,
        "UPDATE",
        "an uploaded file does not take this step",
        when=f"OLD.status IS DISTINCT FROM NEW.status AND NOT ({_ALLOWED})",
    ),
    refuse(
        "desk_file_decision",
        FILES,
        "UPDATE",
        "a decision on an uploaded file is final, and its progress only grows",
        when=f"OLD.status <> 'WAITING' AND ({changed(_DECISION)} OR NEW.done < OLD.done)",
    ),
]
