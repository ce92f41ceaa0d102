"""`manage.py retry_failed`: retries many failed transactions, and reports each outcome."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.db.models import Exists, OuterRef, QuerySet

from core.actors import add_actor, origin_of_actor
from core.arguments import identifier, positive, reason
from core.commands import Origin
from core.database_errors import meaning_of
from core.errors import ERROR_KINDS, BankError
from core.failures import database_trouble_of
from core.results import WRONG_USE, add_json, write_result
from transactions.api.permissions import CanRetryTransactions
from transactions.api.retrying import retry_by_job
from transactions.ledger.failures import IS_CAPTURE, IS_OVERTAKEN
from transactions.ledger.idempotency import row_of
from transactions.ledger.processor import process, try_out
from transactions.models import Transaction, TransactionEvent
from transactions.models.queries import touching
from transactions.states import TransactionEventType, TransactionStatus

# The outcome of the transaction at which the database failed; those after it are not tried.
_NOT_DONE, _UNKNOWN = "not done: busy", "outcome unknown"


class Command(BaseCommand):
    help = "Retries failed transactions whose failure is temporary, one by one, oldest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--code", help="only those that failed with this code")
        parser.add_argument("--account", type=identifier, help="only those of this account (UUID)")
        parser.add_argument("--limit", type=positive, metavar="N", help="only the oldest N of them")
        reasons = parser.add_mutually_exclusive_group()
        reasons.add_argument(
            "--reason", type=reason, default="retry_failed", help="kept in each event"
        )
        reasons.add_argument(
            "--once-for",
            type=reason,
            metavar="REASON",
            help="as --reason, without those that were retried for this reason before",
        )
        add_actor(parser, "to retry")
        add_json(parser)
        parser.add_argument("--queue", action="store_true", help="queue them for the worker")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="only show the expected outcome of each by itself, on the accounts as they are"
            " now",
        )

    def handle(self, **options: Any) -> None:
        chosen = _chosen(options["code"], options["account"]).order_by("id")
        if options["once_for"]:
            options["reason"] = options["once_for"]
            chosen = chosen.exclude(_was_retried(options["reason"]))
        chosen = chosen[: options["limit"]]
        origin = origin_of_actor(
            options["actor"], right=CanRetryTransactions.right, caller="job:retry_failed"
        )
        user = origin.user_id and get_user_model().objects.get(pk=origin.user_id)
        outcomes: Counter[str] = Counter()
        chosen_ids = list(chosen.values_list("pk", flat=True))
        try:
            for transaction_id in chosen_ids:
                outcomes[_retry(transaction_id, user, options, origin)] += 1
        except DatabaseError as error:
            # The report still includes the transactions before.
            outcomes[_NOT_DONE if meaning_of(error).code == "busy" else _UNKNOWN] += 1
            raise
        finally:
            self._tell(outcomes, dry_run=options["dry_run"], as_json=options["json"])

    def _tell(self, outcomes: Counter[str], *, dry_run: bool, as_json: bool) -> None:
        completed = outcomes[str(TransactionStatus.COMPLETED)]
        waiting = outcomes[str(TransactionStatus.PENDING)]
        stopped = outcomes[_NOT_DONE] + outcomes[_UNKNOWN]
        again = outcomes.total() - completed - waiting - stopped
        total = (
            f"{'Would retry' if dry_run else 'Retried'} {outcomes.total()} transactions:"
            f" {completed} completed, {waiting} wait, {again} failed again or were refused."
        )
        words = [
            total,
            *(["The database failed: the others were not tried."] if stopped else []),
            *(f"  {outcome:<24} {count}" for outcome, count in sorted(outcomes.items())),
        ]
        result = {"dry_run": dry_run, "transactions": outcomes.total(), "outcomes": outcomes}
        write_result(self.stdout, result, words, as_json=as_json)


def _chosen(code: str | None, account: UUID | None) -> QuerySet[Transaction]:
    """Failed transactions that can be retried. Raises CommandError for a code that is final."""
    retryable = {name for name, kind in ERROR_KINDS.items() if kind.retryable}
    if code is not None and code not in retryable:
        raise CommandError(f"{code} is not a failure that can be retried.", returncode=WRONG_USE)
    failed = Transaction.objects.filter(
        status=TransactionStatus.FAILED,
        failure_code__in=retryable if code is None else {code},
        archived_at__isnull=True,
    )
    failed = failed.exclude(batch__atomic=True).exclude(IS_OVERTAKEN).exclude(IS_CAPTURE)
    return failed if account is None else failed.filter(touching(account))


def _was_retried(why: str) -> Exists:
    retries = TransactionEvent.objects.filter(
        transaction_id=OuterRef("pk"), event=TransactionEventType.RETRIED, reason=why
    )
    return Exists(retries)


def _retry(transaction_id: UUID, user: Any, options: dict[str, Any], origin: Origin) -> str:
    """The outcome. Raises DatabaseError if the database cannot serve, as when it is read-only."""
    command = retry_by_job(
        user, transaction_id=transaction_id, reason=options["reason"], queued=options["queue"]
    )
    try:
        run = try_out if options["dry_run"] else process
        row = row_of(run([command], origin)[0])
    except BankError as error:
        if trouble := database_trouble_of(error):
            raise trouble from trouble.__cause__
        return f"refused: {error.code}"
    return row.failure_code or str(row.status)
