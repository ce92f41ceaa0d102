"""`manage.py retry_failed`: retries many failed transactions, and tells how each ended."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.commands import Origin
from core.errors import ERROR_KINDS, BankError
from transactions.commands import Retry
from transactions.models import Transaction
from transactions.processor import process
from transactions.selectors import touching
from transactions.states import TransactionStatus


class Command(BaseCommand):
    help = "Retries failed transactions whose failure may pass, each by itself, oldest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--code", help="only those that failed with this code")
        parser.add_argument("--account", type=UUID, help="only those of this account (UUID)")
        parser.add_argument("--reason", default="retry_failed", help="kept in each event")
        parser.add_argument("--queue", action="store_true", help="queue them for the worker")

    def handle(
        self, *, code: str | None, account: UUID | None, reason: str, queue: bool, **_: Any
    ) -> None:
        retryable = {name for name, kind in ERROR_KINDS.items() if kind.retryable}
        if code is not None and code not in retryable:
            raise CommandError(f"{code} is not a failure that can be retried.")
        failed = Transaction.objects.filter(
            status=TransactionStatus.FAILED,
            failure_code__in=retryable if code is None else {code},
            archived_at__isnull=True,
        ).exclude(batch__atomic=True)
        if account is not None:
            failed = failed.filter(touching(account))
        outcomes: Counter[str] = Counter()
        for transaction_id in list(failed.order_by("id").values_list("pk", flat=True)):
            outcomes[self._retry(transaction_id, reason, queue)] += 1
        completed = outcomes[str(TransactionStatus.COMPLETED)]
        waiting = outcomes[str(TransactionStatus.PENDING)]
        again = outcomes.total() - completed - waiting
        self.stdout.write(
            f"Retried {outcomes.total()} transactions: {completed} completed, {waiting} wait,"
            f" {again} failed again or were refused."
        )
        for outcome, count in sorted(outcomes.items()):
            self.stdout.write(f"  {outcome:<24} {count}")

    def _retry(self, transaction_id: UUID, reason: str, queue: bool) -> str:
        command = Retry(
            transaction_id=transaction_id,
            reason=reason,
            limit=settings.RETRY_LIMIT,
            may_reverse=True,
            queued=queue,
        )
        try:
            row = process([command], Origin(caller="job:retry_failed"))[0]
        except BankError as error:
            return f"refused: {error.code}"
        return row.failure_code or str(row.status)
