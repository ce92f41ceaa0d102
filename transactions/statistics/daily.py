"""The workers' summaries of the days that have closed."""

import logging

from core.background import BackgroundJob
from transactions.statistics.summaries import make_summaries

logger = logging.getLogger(__name__)


class DailySummaries(BackgroundJob):
    """Several workers that make the same summary at once make equal ones, and one is kept."""

    name = "summary of days"

    def work(self) -> None:
        if made := make_summaries(stopping=self._stopping.is_set):
            logger.info("Summarised %s days", made)
