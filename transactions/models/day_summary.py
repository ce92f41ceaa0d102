"""Summaries of closed days, for statistics."""

from django.db import models


class DaySummary(models.Model):
    """The transactions completed on one day, by the time at which they were made.

    Derived from the journal: `transactions.statistics.summaries` makes it, `verify_ledger` compares
    it with the journal. Days are the bank's, in `zone`. A completed transaction never changes, so
    neither does the summary of a day on which nothing more can be completed.

    `days` and `hours` are lists of cells of transactions: time of their making, type, currency,
    count, sum in units, the buckets of the processing times, and the number in each bucket. The
    time is a day in `days`, and in `hours` the start of an hour, as seconds since 1970.
    """

    id = models.BigAutoField(primary_key=True)
    zone = models.CharField(max_length=64)
    day = models.DateField(help_text="When they were completed.")
    first_made = models.DateField(null=True, help_text="The earliest day in `days`.")
    rows = models.PositiveBigIntegerField()
    days = models.JSONField(default=list)
    hours = models.JSONField(default=list)
    made_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        verbose_name_plural = "day summaries"
        ordering = ("zone", "day")
        constraints = (models.UniqueConstraint(fields=["zone", "day"], name="day_summary_once"),)

    def __str__(self) -> str:
        return f"Summary of {self.day} ({self.zone})"
