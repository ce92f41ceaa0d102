"""How to import."""

from dataclasses import dataclass
from datetime import UTC, tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """With `dry_run` all is checked and nothing loaded. The others are for the earlier system.

    `currency` is that of all its accounts, `zone` what its times without an offset are in; `adjust`
    books what its files do not explain.
    """

    dry_run: bool = False
    currency: str = "USD"
    zone: tzinfo = UTC
    adjust: bool = False
