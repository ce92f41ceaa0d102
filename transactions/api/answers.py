"""Responses to money commands."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from rest_framework import status
from rest_framework.request import Request

from accounts.selectors import visible_accounts
from core.api.idempotency import replay_headers
from core.api.renderers import json_response
from core.api.requests import origin_of
from core.api.stale_reads import prefers
from core.commands import Command
from transactions.api.dry_run import is_dry_run, try_out
from transactions.commands import Capture, Decision, MoneyCommand, Reverse, Transfer
from transactions.ledger.idempotency import Replay, row_of
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process
from transactions.queue.acceptance import accept
from transactions.reads.representation import represent
from transactions.states import OPEN

_ASYNC = "respond-async"


def run(
    request: Request,
    command: MoneyCommand | Reverse | Capture | Decision,
    *,
    own: Collection[UUID] | None,
    queued: bool = False,
) -> HttpResponse:
    """Runs or queues the command, and returns the response with the transaction.

    200 once it is settled, 202 with its Location while it waits. Raises the refusal after storing
    it. `own` are the accounts whose side may be shown, None for all. With `?dry_run=true` nothing
    is stored: 200 with the would-be outcome, or the would-be error.
    """
    origin = origin_of(request)
    if request.META.get("QUERY_STRING") and is_dry_run(request):
        unseen = queued and _pays_unseen(request, command)
        return respond(request, try_out(command, origin, own, waits=unseen))
    outcomes: list[JournalRow | Replay]
    if queued and not isinstance(command, Capture | Decision):
        outcomes = accept([command], origin)
    else:
        outcomes = process([command], origin)
    (outcome,) = outcomes
    if refusal := outcome.refusal():
        raise refusal
    row = row_of(outcome)
    return respond(
        request,
        represent(row, own=own),
        waits=row.status in OPEN,
        transaction_id=row.id,
        queued=queued,
        replayed=outcome.replayed,
    )


def respond(
    request: Request,
    body: Mapping[str, Any] | bytes,
    *,
    waits: bool = False,
    transaction_id: UUID | None = None,
    queued: bool = False,
    replayed: bool = False,
) -> HttpResponse:
    """The response to a command: 200 once it is settled, 202 while it `waits`.

    `body` has its members, or is their JSON. The Location of a waiting command is that of its
    transaction, if it has one. `queued` says that the command was stored for a worker.
    """
    headers = replay_headers(replayed)
    if waits and transaction_id:
        route = reverse("transaction-detail", kwargs={"transaction_id": transaction_id})
        headers["Location"] = request.build_absolute_uri(route)
    if waits and queued and prefers_async(request):
        headers["Preference-Applied"] = _ASYNC
    return json_response(
        request,
        body,
        status=status.HTTP_202_ACCEPTED if waits else status.HTTP_200_OK,
        headers=headers,
    )


def _pays_unseen(request: Request, command: Command[JournalRow]) -> bool:
    """Whether it is a transfer to an account that the caller may not see."""
    if not isinstance(command, Transfer):
        return False
    return not visible_accounts(request.user).filter(pk=command.target_account_id).exists()


def prefers_async(request: Request) -> bool:
    """Whether the client asks for an immediate response: `Prefer: respond-async` (RFC 7240)."""
    return prefers(request, _ASYNC)
