"""Batch responses, written as JSON by hand: a serializer takes longer than the money."""

import json
from collections import Counter
from typing import Any

from transactions.batches.post import BatchOutcome
from transactions.ledger.idempotency import HoldResult, Replay, row_of
from transactions.ledger.journal import JournalRow
from transactions.reads.items import represent_item, status_of
from transactions.reads.representation import balance_after, failure
from transactions.states import OPEN, TransactionStatus


def render(outcome: BatchOutcome) -> bytes:
    """The response body: the batch, and a result for each item in order (docs/openapi.yaml)."""
    head = {"batch_id": str(outcome.batch.id), **_summary(outcome)}
    results = [
        _about_hold(index, result, {"replayed": result.replayed})
        if isinstance(result, HoldResult)
        else f'{{"index":{index},"transaction_id":"{result.id}",'
        f'{_members(result)},"replayed":{"true" if result.replayed else "false"}}}'
        for index, result in enumerate(outcome.results)
    ]
    return _body(head, results)


def render_dry_run(outcome: BatchOutcome) -> bytes:
    """The body for a dry run. It names existing transactions only."""
    replays = str(outcome.batch.id) if outcome.replayed else None
    head = {"dry_run": True, "replays": replays, **_summary(outcome)}
    results = [
        _tried_about_hold(index, result)
        if isinstance(result, HoldResult)
        else f'{{"index":{index},{_members(result)},'
        f'"replays":{_quoted(result.id) if result.replayed else "null"}}}'
        for index, result in enumerate(outcome.results)
    ]
    return _body(head, results)


def _summary(outcome: BatchOutcome) -> dict[str, Any]:
    counted = Counter(status_of(result) for result in outcome.results)
    return {
        "atomic": outcome.batch.atomic,
        "completed": counted[TransactionStatus.COMPLETED],
        "failed": counted[TransactionStatus.FAILED],
        "pending": sum(counted[status] for status in OPEN),
    }


def _members(result: JournalRow | Replay) -> str:
    row = row_of(result)
    balance = balance_after(row)
    return (
        f'"status":"{row.status}","balance_after":{_quoted(balance) if balance else "null"},'
        f'"failure":{json.dumps(failure(row)) if row.failure_code else "null"}'
    )


def _about_hold(index: int, result: HoldResult, more: dict[str, Any]) -> str:
    return json.dumps({"index": index, **represent_item(result), **more}, separators=(",", ":"))


def _tried_about_hold(index: int, result: HoldResult) -> str:
    """Names the hold only if there is one: a dry run places none."""
    told = represent_item(result)
    del told["transaction_id"]
    known = result.result.id if isinstance(result.result, Replay) else result.hold_id
    if result.is_new:
        told["hold_id"] = None
    is_done = result.replayed and not result.failure_code
    replays = str(known) if is_done else None
    return json.dumps({"index": index, **told, "replays": replays}, separators=(",", ":"))


def _quoted(value: object) -> str:
    """A JSON string of a value that needs no escapes: an id, an amount."""
    return f'"{value}"'


def _body(head: dict[str, Any], results: list[str]) -> bytes:
    members = json.dumps(head, separators=(",", ":"))[1:-1]
    return f'{{{members},"results":[{",".join(results)}]}}'.encode()
