"""The route of batches."""

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request

from core.api.idempotency import idempotency_key
from core.api.parsers import MAX_BODY_BYTES
from core.api.requests import origin_of
from transactions.api import batch_schema as schema
from transactions.api.answers import prefers_async, respond
from transactions.api.batch_answer import render, render_dry_run
from transactions.api.dry_run import is_dry_run
from transactions.batches.input import read_batch
from transactions.batches.post import post_batch
from transactions.reads.items import status_of
from transactions.states import OPEN

MAX_BATCH_BYTES = 4 * 1024 * 1024


class BatchRoute:
    """Mixin for the viewset of transactions.

    Its right allows posting to every customer account; there is no narrower right to check.
    """

    # The parser's limit of a body; a route may have its own.
    max_body_bytes: ClassVar[int] = MAX_BODY_BYTES

    @schema.batch
    @action(detail=False, methods=["post"], max_body_bytes=MAX_BATCH_BYTES)
    def batch(self, request: Request) -> HttpResponse:
        dry_run = is_dry_run(request)
        asked = read_batch(request.data, idempotency_key(request))
        at_once = asked.atomic or asked.has_holds or dry_run
        queued = prefers_async(request) and not at_once
        outcome = post_batch(asked, origin_of(request), queued=queued, dry_run=dry_run)
        return respond(
            request,
            render_dry_run(outcome) if dry_run else render(outcome),
            # Nothing waits if every item was done before, under its key.
            waits=queued and any(status_of(result) in OPEN for result in outcome.results),
            queued=queued,
            replayed=outcome.replayed and not dry_run,
        )
