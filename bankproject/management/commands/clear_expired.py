"""`manage.py clear_expired`: removes expired tokens and sessions, and old records of logins."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from axes.models import AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from core import clock
from core.failures import told
from core.identifiers import lowest_uuid7
from core.results import add_json
from staff.models import StaffSession
from webhooks.models import Delivery

# Each piece is a database transaction of its own, so no lock is held for long.
_PIECE = 1000
_DELIVERIES_KEPT = timedelta(days=30)


class Command(BaseCommand):
    help = (
        "Removes expired tokens, sessions that are over or idle, deliveries of webhooks that ended"
        " 30 days ago, and records of logins older than BANK_LOGIN_RETENTION_DAYS (0 keeps all). A"
        " second run finds nothing. Prints how many of"
        " each as JSON. A client keeps the time of its last token. In production only the owner of"
        " the database can remove records of logins: any other role leaves them, and says so."
        " Exit codes: 0 done; 1 a problem."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only show the rows it would remove"
        )
        add_json(parser)

    def handle(self, *, dry_run: bool, **_: Any) -> None:
        counts: dict[str, int] = {}
        name = "tokens"
        try:
            for name, rows in _expired():
                removed = rows.count() if dry_run else _remove(rows)
                counts[name] = counts.get(name, 0) + removed
        except DatabaseError as error:
            reason = told(error).removesuffix(".")
            done = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
            raise CommandError(
                f"The {name} were not removed: {reason}. Removed: {done}."
            ) from error
        if left := sum(log.count() for log in _old_logins() if not _may_remove(log.model)):
            self.stderr.write(
                f"{left} old records of logins are left: only the owner of the database may remove"
                " them."
            )
        self.stdout.write(json.dumps({"dry_run": dry_run, **counts}))


def _expired() -> Iterator[tuple[str, QuerySet[Any]]]:
    """The expired rows by name. The host's clock judges sessions, the bank's clock all else."""
    told = clock.now()
    yield "tokens", get_access_token_model().objects.filter(expires__lt=told)
    now = timezone.now()
    over = Q(expire_date__lt=now)
    # The sessions of the previous release.
    yield "sessions", Session.objects.filter(over)
    if settings.SESSION_IDLE_MINUTES:
        over |= Q(seen_at__lt=now - timedelta(minutes=settings.SESSION_IDLE_MINUTES))
    yield "sessions", StaffSession.objects.filter(over)
    ended = Delivery.objects.filter(ended_at__lt=told - _DELIVERIES_KEPT)
    yield "deliveries", ended.filter(pk__lt=lowest_uuid7(told - _DELIVERIES_KEPT))
    for rows in _old_logins():
        yield "logins", rows if _may_remove(rows.model) else rows.none()


def _old_logins() -> Iterator[QuerySet[Any]]:
    if settings.LOGIN_RETENTION_DAYS:
        before = clock.now() - timedelta(days=settings.LOGIN_RETENTION_DAYS)
        for log in (AccessLog, AccessFailureLog):
            yield log.objects.filter(attempt_time__lt=before)


def _may_remove(model: type[Model]) -> bool:
    """Whether the role of this process may delete rows of the model, with what belongs to them."""
    if connection.vendor != "postgresql":
        return True
    related = [relation.related_model._meta.db_table for relation in model._meta.related_objects]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_and(has_table_privilege(name, 'DELETE')) FROM unnest(%s::text[]) AS name",
            [[model._meta.db_table, *related]],
        )
        return bool(cursor.fetchone()[0])


def _remove(rows: QuerySet[Any]) -> int:
    removed = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:_PIECE]):
        _, by_model = rows.model._default_manager.filter(pk__in=keys).delete()
        removed += by_model.get(rows.model._meta.label, 0)
    return removed
