"""Responses to money commands."""

import re
from collections.abc import Collection
from uuid import UUID

from django.urls import reverse
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import visible_accounts
from core.api.idempotency import replay_headers
from core.api.requests import origin_of
from transactions.api.dry_run import is_dry_run, try_out
from transactions.commands import Decision, MoneyCommand, Reverse, Transfer
from transactions.ledger.idempotency import Replay, row_of
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process
from transactions.queue.acceptance import accept
from transactions.reads.representation import represent
from transactions.states import OPEN

_ASYNC = "respond-async"
PREFERENCE_APPLIED = {"Preference-Applied": _ASYNC}


def run(
    request: Request,
    command: MoneyCommand | Reverse | Decision,
    *,
    own: Collection[UUID] | None,
    queued: bool = False,
) -> Response:
    """Runs or queues the command, and returns the response with the transaction.

    200 once it is settled, 202 with its Location while it waits. Raises the refusal after storing
    it. `own` are the accounts whose side may be shown, None for all. With `?dry_run=true` nothing
    is stored: 200 with the would-be outcome, or the would-be error.
    """
    origin = origin_of(request)
    if request.query_params and is_dry_run(request):
        return try_out(command, origin, own, waits=queued and _pays_unseen(request, command))
    outcomes: list[JournalRow | Replay]
    if queued and not isinstance(command, Decision):
        outcomes = accept([command], origin)
    else:
        outcomes = process([command], origin)
    return _answer(request, outcomes[0], own=own, queued=queued)


def _pays_unseen(request: Request, command: MoneyCommand | Reverse | Decision) -> bool:
    """Whether it is a transfer to an account that the caller may not see."""
    if not isinstance(command, Transfer):
        return False
    return not visible_accounts(request.user).filter(pk=command.target_account_id).exists()


def prefers_async(request: Request) -> bool:
    """Whether the client asks for an immediate response: `Prefer: respond-async` (RFC 7240)."""
    preferences = re.split(r"[,;]", request.headers.get("Prefer", ""))
    return any(preference.strip().lower() == _ASYNC for preference in preferences)


def _answer(
    request: Request,
    outcome: JournalRow | Replay,
    *,
    own: Collection[UUID] | None,
    queued: bool,
) -> Response:
    if refusal := outcome.refusal():
        raise refusal
    row = row_of(outcome)
    headers = replay_headers(outcome.replayed)
    waits = row.status in OPEN
    if waits:
        route = reverse("transaction-detail", kwargs={"transaction_id": row.id})
        headers["Location"] = request.build_absolute_uri(route)
        if queued and prefers_async(request):
            headers |= PREFERENCE_APPLIED
    return Response(
        represent(row, own=own),
        status=status.HTTP_202_ACCEPTED if waits else status.HTTP_200_OK,
        headers=headers,
    )
