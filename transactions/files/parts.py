"""Parts that several files have in common: callers, keys, and the end of an event."""

from transactions.files.cells import ADDRESS, CALLER, TEXT, TIME, USER
from transactions.files.file_format import Column


def caller(name: str) -> str:
    return f"coalesce('user:' || caller_user.username, t.{name})"


KEY_DOC = "The `Idempotency-Key` of the request; empty if it had none."
KEY_CALLER_DOC = "Owner of the key: `user:<name>` or `client:<id>`; empty if there was no key."
FINGERPRINT_DOC = "SHA-256 of the request's content, in hexadecimal; empty if there was no key."

EVENT_END = (
    Column("request_id", TEXT, "Id of the request; empty for a job."),
    Column("address", ADDRESS, "IP address of the sender; empty if unknown.", is_nullable=True),
    Column("at", TIME, "Time of the event."),
)
ACTOR = Column(
    "actor", USER, "User who acted; empty for a job.", value="actor.username", is_nullable=True
)
EVENT_CALLER = Column(
    "caller",
    CALLER,
    "`user:<name>`, `client:<id>`, `job:<name>` or `worker:<name>`.",
    value=caller("caller"),
)
