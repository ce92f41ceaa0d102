"""Database guards of seals: they never change."""

from core.guards import append_only

SEALS = "seals_seal"
RANGES = "seals_sealedrange"

OBJECTS = [*append_only(SEALS, "seals"), *append_only(RANGES, "sealed ranges")]
