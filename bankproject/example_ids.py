"""The ids in the examples of the API's description. The demo bank has rows with these ids."""

from typing import Any

from accounts.schema import ACCOUNT_EXAMPLE, LIMIT_REQUEST_EXAMPLE
from customers.schema import CUSTOMER_EXAMPLE
from jobs.schema import RUN_EXAMPLE
from statements.api.schema import STATEMENT_EXAMPLE
from transactions.api.examples import TARGET_ID, TRANSFER_EXAMPLE
from transactions.api.hold_schema import HOLD_EXAMPLE
from webhooks.schema import WEBHOOK_EXAMPLE

ADA: str = ACCOUNT_EXAMPLE["account_id"]
SAVINGS: str = TARGET_ID
GRACE = "019ab0c4-a8f2-7c04-8000-5be1d20f6a37"
SHOP = "019ab0c4-b3d4-7915-8000-2a90c4e8f713"
EMPTY = "019ab0c4-bd16-7a26-8000-91c3e5f70b24"
QUIET = "019ab0c4-c758-7b37-8000-08d4f6a19c35"
CLOSED = "019ab0c4-d19a-7c48-8000-f7e5a8b20d46"

CUSTOMER: str = CUSTOMER_EXAMPLE["customer_id"]
WITHOUT_USER = "019ab0c4-8e35-7b19-8000-6c1f0a52d984"
WITHOUT_ACCOUNT = "019ab0c4-8f47-7c2a-8000-93d8e4b7016f"
FORMER_CUSTOMER = "019ab0c4-9059-7d3b-8000-1be7f5c82a43"

TRANSFER: str = TRANSFER_EXAMPLE["transaction_id"]
REFUSED = "019ab0d2-30a6-7d59-8000-e6f6b9c31e57"
SCHEDULED = "019ab0d2-4bc8-7e6a-8000-d507cad42f68"
TO_APPROVE = "019ab0d2-5d1a-7f7b-8000-a2c83e916b04"
TO_REJECT = "019ab0d2-6e2b-708c-8000-7b94d1f0a5e6"

LIMIT_REQUEST: str = LIMIT_REQUEST_EXAMPLE["limit_request_id"]
OTHER_LIMIT_REQUEST = "019ab0c4-8a22-7d44-8000-4b2c3d4e5f60"

HOLD: str = HOLD_EXAMPLE["hold_id"]
HOLD_TO_VOID = "019ab0d5-2105-7d69-8000-4e3c9f7ba1e2"

STATEMENT: str = STATEMENT_EXAMPLE["statement_id"]
JOB_RUN: str = RUN_EXAMPLE["run_id"]
WEBHOOK: str = WEBHOOK_EXAMPLE["webhook_id"]
WEBHOOK_TO_DELETE = "019c17d6-4d61-7e33-8000-81d5b0e7f4a9"

# By the parameter of the path, and for operations that need a row in another state.
_OF_PARAMETERS = {
    "customer_id": CUSTOMER,
    "account_id": ADA,
    "transaction_id": TRANSFER,
    "limit_request_id": LIMIT_REQUEST,
    "statement_id": STATEMENT,
    "run_id": JOB_RUN,
    "hold_id": HOLD,
    "webhook_id": WEBHOOK,
}
_OF_OPERATIONS = {
    "accounts_close": EMPTY,
    "accounts_freeze": QUIET,
    "accounts_reopen": CLOSED,
    "accounts_unfreeze": SHOP,
    "customers_close": WITHOUT_ACCOUNT,
    "customers_give_user": WITHOUT_USER,
    "customers_reopen": FORMER_CUSTOMER,
    "holds_void": HOLD_TO_VOID,
    "limit_requests_reject": OTHER_LIMIT_REQUEST,
    "transactions_approve": TO_APPROVE,
    "transactions_cancel": SCHEDULED,
    "transactions_reject": TO_REJECT,
    "transactions_retry": REFUSED,
    "webhooks_delete": WEBHOOK_TO_DELETE,
}


def fill_in_ids(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: Swagger UI fills the example into each parameter of a path."""
    for item in result["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] in _OF_PARAMETERS:
                    by_default = _OF_PARAMETERS[parameter["name"]]
                    name = operation["operationId"]
                    parameter["example"] = _OF_OPERATIONS.get(name, by_default)
    return result
