"""What a receipt shows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptParty:
    """A customer's account.

    The name is empty, and the balance after the movement None, where the receipt may not tell it.
    """

    account_id: UUID
    number: str
    name: str
    balance_after: Decimal | None = None

    def __str__(self) -> str:
        return f"{self.number} {self.name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A completed movement, as far as its reader sees it.

    The amount has all digits of its currency. A party is None for cash. `kind` is the type of the
    transaction, `text` the same in words. `posted_by` is the member of staff who asked for it;
    "" if nobody of staff did, or the reader may not know.
    """

    bank_name: str
    transaction_id: UUID
    kind: str
    text: str
    amount: Decimal
    currency: str
    debited: ReceiptParty | None
    credited: ReceiptParty | None
    description: str
    completed_at: datetime
    effective_at: datetime
    reverses: UUID | None
    reversed_by: UUID | None
    time_zone: ZoneInfo
    posted_by: str = ""
