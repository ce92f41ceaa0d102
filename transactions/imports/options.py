"""Options of an import."""

from dataclasses import dataclass
from datetime import UTC, tzinfo

LATER_TAKE, LATER_LEAVE = "take", "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """With `dry_run` everything is checked and nothing loaded.

    `later` decides about transactions of an export's archive that came after the export:
    LATER_TAKE, LATER_LEAVE, or empty to refuse them. The rest is for the earlier system: `currency`
    is that of all its accounts, `zone` the time zone of its times without an offset; `adjust` books
    differences that its files do not explain. `actor_id` is the requesting user, for the audit log.
    """

    dry_run: bool = False
    actor_id: int | None = None
    later: str = ""
    currency: str = "USD"
    zone: tzinfo = UTC
    adjust: bool = False
