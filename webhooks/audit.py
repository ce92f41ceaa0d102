"""Who did what with webhooks."""

import logging

from core.commands import Origin
from core.staff_log import record
from webhooks.models import Endpoint

logger = logging.getLogger(__name__)


def note(endpoint: Endpoint, origin: Origin, flag: int, words: str) -> None:
    """In the log, and in the audit log if a member of staff did it.

    In the caller's database transaction.
    """
    logger.info("Webhook %s: %s (%s)", endpoint.pk, words, origin.caller)
    if not origin.as_customer:
        record(origin.user_id, endpoint, str(endpoint), flag, words)
