"""Holds of the demo bank, with the ids of the API's examples."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from bankproject import example_ids
from core import clock
from core.commands import Origin
from transactions.commands import PlaceHold
from transactions.ledger.processor import process


@dataclass(frozen=True, kw_only=True)
class _KnownHold(PlaceHold):
    known_id: UUID

    def new_id(self, now: datetime) -> UUID:
        return self.known_id


def hold_money(origin: Origin) -> None:
    """Two holds on Grace's account, by a hotel that has an account at this bank."""
    in_a_week = clock.now() + timedelta(days=7)
    holds = [
        _KnownHold(
            known_id=UUID(known_id),
            account_id=UUID(example_ids.GRACE),
            target_account_id=UUID(example_ids.SAVINGS),
            amount=Decimal("45.00"),
            description=description,
            expires_at=in_a_week,
        )
        for known_id, description in (
            (example_ids.HOLD, "Hotel, two nights"),
            (example_ids.HOLD_TO_VOID, "Hotel, deposit for the key"),
        )
    ]
    process(holds, origin)
