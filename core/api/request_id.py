"""The id of the request that is being answered, for logs, the audit trail and error bodies.

Beside it the id of the trace that it belongs to (W3C Trace Context): a caller may choose that one;
and the caller's address.
"""

import re
from contextvars import ContextVar
from secrets import token_hex

# Empty outside a request.
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")
current_trace_id: ContextVar[str] = ContextVar("current_trace_id", default="")
current_address: ContextVar[str] = ContextVar("current_address", default="")

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
# version-trace-parent-flags; what follows in later versions than 00 is not read.
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}"
    r"-[0-9a-f]{2}(?P<more>-.*)?"
)


def trace_id_of(traceparent: str, request_id: str) -> str:
    """The trace id of the header `traceparent`; one of ours if it has none or is malformed.

    Ours is the request's id, where that has the form of a trace id.
    """
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found and not (found["version"] == "00" and found["more"]):
        return found["trace"]
    return request_id if _TRACE_ID.fullmatch(request_id) else token_hex(16)
