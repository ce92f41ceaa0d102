"""What the OpenAPI schema says of the routes of accounts: words, examples, and possible errors."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.filters import AccountQuery
from accounts.serializers import (
    AccountSerializer,
    ChangeAccountBody,
    FreezeBody,
    OverdraftLimitBody,
    ReasonBody,
)
from core.api.describe import errors, page_example, page_of, request_example, response_example

TAG = "Accounts"

ACCOUNT_ID = OpenApiParameter(
    "account_id", str, OpenApiParameter.PATH, description="Identifier of the account (UUID)."
)

ACCOUNT_EXAMPLE: dict[str, Any] = {
    "account_id": "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27",
    "number": "482910375614",
    "name": "Ada Lovelace",
    "owner": "ada",
    "currency": "USD",
    "balance": "250.00",
    "available_balance": "350.00",
    "overdraft_limit": "100.00",
    "status": "ACTIVE",
    "debits_blocked": False,
    "credits_blocked": False,
    "metadata": {"customer_reference": "C-1001"},
    "created_at": "2026-01-31T09:30:00.000000Z",
    "updated_at": "2026-01-31T09:30:00.000000Z",
}


def _command(
    operation_id: str, summary: str, description: str, body: Any, example_body: Any, *codes: str
) -> Any:
    return extend_schema(
        operation_id=operation_id,
        tags=[TAG],
        summary=summary,
        description=description,
        parameters=[ACCOUNT_ID],
        request=body,
        responses=AccountSerializer,
        examples=[
            request_example(example_body),
            response_example("Account", ACCOUNT_EXAMPLE),
        ],
        extensions=errors(*codes),
    )


list_accounts = extend_schema(
    operation_id="accounts_list",
    tags=[TAG],
    summary="List accounts",
    description="Newest first. Customers see their own accounts, staff all customers' accounts.",
    parameters=[AccountQuery],
    responses=page_of(AccountSerializer, "AccountPage"),
    examples=[page_example(ACCOUNT_EXAMPLE, "accounts/")],
)

retrieve_account = extend_schema(
    operation_id="accounts_retrieve",
    tags=[TAG],
    summary="Read an account",
    description="Another customer's account is not found, as one that does not exist.",
    parameters=[ACCOUNT_ID],
    responses=AccountSerializer,
    examples=[response_example("Account", ACCOUNT_EXAMPLE)],
)

change_account = _command(
    "accounts_change",
    "Rename an account or change its metadata",
    "Changes what is given, all or nothing; each change is an event in the audit log.",
    ChangeAccountBody,
    {"name": "Ada King", "metadata": {"customer_reference": "C-1001"}},
    "account_closed",
)

freeze_account = _command(
    "accounts_freeze",
    "Freeze an account",
    "Blocks debits, credits, or all. Blocks set before stay.",
    FreezeBody,
    {"scope": "debits", "reason": "Court order 2026/17"},
    "account_closed",
    "invalid_transition",
)

unfreeze_account = _command(
    "accounts_unfreeze",
    "Unfreeze an account",
    "Lifts all blocks.",
    ReasonBody,
    {"reason": "Court order 2026/17 lifted"},
    "account_closed",
    "invalid_transition",
)

close_account = _command(
    "accounts_close",
    "Close an account",
    "For good. The balance must be zero, and nothing may be pending.",
    ReasonBody,
    {"reason": "Closed at the customer's request"},
    "account_closed",
    "account_not_empty",
    "transactions_pending",
)

change_overdraft_limit = _command(
    "accounts_change_overdraft_limit",
    "Change the overdraft limit",
    "How far below zero the balance may go. Not below the overdraft in use.",
    OverdraftLimitBody,
    {"overdraft_limit": "100.00", "reason": "Agreed on 31 January"},
    "account_closed",
    "limit_below_use",
)
