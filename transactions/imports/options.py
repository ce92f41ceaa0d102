"""How to import."""

from dataclasses import dataclass
from datetime import UTC, tzinfo

LATER_TAKE, LATER_LEAVE = "take", "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """With `dry_run` all is checked and nothing loaded.

    `later` says what to do with transactions of an export's archive that came after the export:
    LATER_TAKE, LATER_LEAVE, or nothing, which refuses them. The others are for the earlier system:
    `currency` is that of all its accounts, `zone` what its times without an offset are in; `adjust`
    books what its files do not explain. `actor_id` is the user who asks for it, for the audit log.
    """

    dry_run: bool = False
    actor_id: int | None = None
    later: str = ""
    currency: str = "USD"
    zone: tzinfo = UTC
    adjust: bool = False
