"""Ends holds whose time is over: a part of the worker's upkeep."""

import logging
from collections.abc import Callable

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


def expire_holds(origin: Origin, goes_on: Callable[[], bool] = lambda: True) -> int:
    """Ends open holds that have expired by the bank's clock, oldest first; returns how many.

    Asks before each whether it `goes_on`, and waits for no lock of an account.

    Leaves out holds of which a capture waits for approval. Each hold ends in a database transaction
    of its own, under its account's lock, so a capture and the expiry never both win. A hold that
    somebody else ends meanwhile, or whose account is locked, is left to the next look.
    """
    over = Hold.objects.filter(HOLD_IS_OPEN, expires_at__lte=clock.now())
    over = over.exclude(pk__in=waiting_captures().values("hold")).order_by("expires_at", "id")
    ended = 0
    for hold_id in list(over.values_list("pk", flat=True)[:_MOST_AT_ONCE]):
        if not goes_on():
            break
        try:
            process([ExpireHold(hold_id=hold_id)], origin)
        except BankError as error:
            logger.info("Hold %s is left: %s", hold_id, error.detail)
        else:
            ended += 1
    if ended:
        logger.info("Ended %s holds whose time is over", ended)
    return ended
