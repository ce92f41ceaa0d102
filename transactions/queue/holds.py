"""Ends holds whose time is over: a part of the worker's upkeep."""

import logging

from core import clock
from core.commands import Origin
from core.errors import BankError
from transactions.commands import ExpireHold
from transactions.ledger.holds import waiting_captures
from transactions.ledger.processor import process
from transactions.models import Hold
from transactions.models.queries import HOLD_IS_OPEN

logger = logging.getLogger(__name__)

# The most holds of one look.
_MOST_AT_ONCE = 1000


def expire_holds(origin: Origin) -> int:
    """Ends open holds that have expired by the bank's clock; returns how many.

    Leaves out holds of which a capture waits for approval. Each hold ends in a database transaction
    of its own, under its account's lock, so a capture and the expiry never both win. A hold that
    somebody else ends meanwhile, or whose account is busy, is left to the next look.
    """
    over = Hold.objects.filter(HOLD_IS_OPEN, expires_at__lte=clock.now())
    over = over.exclude(pk__in=waiting_captures().values("hold")).order_by("expires_at", "id")
    ended = 0
    for hold_id in list(over.values_list("pk", flat=True)[:_MOST_AT_ONCE]):
        try:
            process([ExpireHold(hold_id=hold_id)], origin)
        except BankError as error:
            logger.info("Hold %s is left: %s", hold_id, error.detail)
        else:
            ended += 1
    return ended
