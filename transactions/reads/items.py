"""The results of the items of a batch, as responses and result files have them."""

from typing import Any

from transactions.ledger.booking import ItemResult
from transactions.ledger.idempotency import HoldResult, row_of
from transactions.reads.representation import balance_after, failure


def represent_item(result: ItemResult) -> dict[str, Any]:
    """The members of a result, all but whether it is a replay. `hold_id` if it is about a hold."""
    if not isinstance(result, HoldResult):
        row = row_of(result)
        return {
            "transaction_id": str(result.id),
            "status": str(row.status),
            "balance_after": balance_after(row),
            "failure": failure(row),
        }
    about = {"hold_id": result.hold_id and str(result.hold_id)}
    if result.result is not None:
        return represent_item(result.result) | about
    refused = {
        "code": result.failure_code,
        "detail": result.failure_detail,
        # Nothing is stored that could be retried.
        "retryable": False,
    }
    return {
        "transaction_id": None,
        "status": str(result.status),
        "balance_after": None,
        "failure": refused if result.failure_code else None,
        **about,
    }


def status_of(result: ItemResult) -> str:
    """COMPLETED, FAILED, or that of a transaction that waits."""
    return str(result.status if isinstance(result, HoldResult) else row_of(result).status)
