"""OpenAPI descriptions of the routes of accounts: texts, examples, and possible errors."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.filters import AccountQuery, LimitRequestQuery
from accounts.serializers import (
    AccountSerializer,
    ChangeAccountBody,
    FreezeBody,
    GiveCustomerBody,
    LimitRequestSerializer,
    OptionalReasonBody,
    OverdraftLimitBody,
    ReasonBody,
)
from core.api.describe import (
    CONDITION_ERRORS,
    CONDITIONS,
    errors,
    page_example,
    page_of,
    read_of,
    request_example,
    response_example,
)

TAG = "Accounts"

ACCOUNT_ID = OpenApiParameter(
    "account_id", UUID, OpenApiParameter.PATH, description="Identifier of the account (UUID)."
)

ACCOUNT_EXAMPLE: dict[str, Any] = {
    "account_id": "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27",
    "number": "482910375614",
    "name": "Ada Lovelace",
    "owner": "ada",
    "customer": "019ab0c4-5a10-7d02-8000-1c9e4b7f2a35",
    "currency": "USD",
    "balance": "250.00",
    "available_balance": "350.00",
    "overdraft_limit": "100.00",
    "held": "0.00",
    "status": "ACTIVE",
    "debits_blocked": False,
    "credits_blocked": False,
    "metadata": {"customer_reference": "C-1001"},
    "created_at": "2026-01-31T09:30:00.000000Z",
    "updated_at": "2026-01-31T09:30:00.000000Z",
}


def _command(
    operation_id: str,
    summary: str,
    description: str,
    body: Any,
    example_body: Any,
    *codes: str,
    parameters: Sequence[OpenApiParameter] = (),
) -> Any:
    return extend_schema(
        operation_id=operation_id,
        tags=[TAG],
        summary=summary,
        description=description,
        parameters=[ACCOUNT_ID, *parameters],
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
    description="404 for another customer's account, as for an account that does not exist.",
    parameters=[ACCOUNT_ID, *CONDITIONS],
    responses=read_of(AccountSerializer),
    examples=[response_example("Account", ACCOUNT_EXAMPLE)],
    extensions=CONDITION_ERRORS,
)

change_account = _command(
    "accounts_change",
    "Rename an account or change its metadata",
    "Changes the given members, all or nothing; each change is an event in the audit log. With"
    " `If-Match`, it changes them only if the account, balance included, is still as it was read.",
    ChangeAccountBody,
    {"name": "Ada King", "metadata": {"customer_reference": "C-1001"}},
    "account_closed",
    "precondition_failed",
    parameters=CONDITIONS,
)

give_customer = _command(
    "accounts_give_customer",
    "Give an account its customer",
    "Possible once, for an account without a customer. The customer's user becomes its owner.",
    GiveCustomerBody,
    {"customer": ACCOUNT_EXAMPLE["customer"], "reason": "Registered at the counter"},
    "invalid_transition",
)

freeze_account = _command(
    "accounts_freeze",
    "Freeze an account",
    "Blocks debits, credits, or all. Existing blocks stay.",
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
    "The balance must be zero, and nothing may be pending. Reopening is possible for some days.",
    ReasonBody,
    {"reason": "Closed at the customer's request"},
    "account_closed",
    "account_not_empty",
    "transactions_pending",
)

reopen_account = _command(
    "accounts_reopen",
    "Reopen a closed account",
    "Possible within `BANK_REOPEN_DAYS`, if its customer is active. The account is empty, and keeps"
    " its number and history.",
    ReasonBody,
    {"reason": "Closed by mistake"},
    "invalid_transition",
)

release_debits = _command(
    "accounts_release_debits",
    "Release the debits of a damaged account",
    "A verification found broken rules at this account, and its debits are refused with"
    " `account_damaged`. Lets them pass again, until a verification finds another broken rule.",
    ReasonBody,
    {"reason": "Statement checked against the archive: the balance is right"},
    "invalid_transition",
)

_REQUEST_ID = OpenApiParameter(
    "limit_request_id", UUID, OpenApiParameter.PATH, description="Identifier of the request (UUID)."
)

LIMIT_REQUEST_EXAMPLE: dict[str, Any] = {
    "limit_request_id": "019ab0c4-7f10-7c33-8000-5a1b2c3d4e5f",
    "account_id": ACCOUNT_EXAMPLE["account_id"],
    "currency": "USD",
    "overdraft_limit": "25000.00",
    "limit_before": "100.00",
    "limits": None,
    "reason": "Agreed on 31 January",
    "status": "PENDING",
    "requested_by": "susan",
    "created_at": "2026-01-31T09:30:00.000000Z",
    "decided_by": None,
    "decided_at": None,
    "decision_reason": "",
}
_DECIDED = {"decided_by": "olive", "decided_at": "2026-01-31T10:15:00.000000Z"}

change_overdraft_limit = extend_schema(
    operation_id="accounts_change_overdraft_limit",
    tags=[TAG],
    summary="Change the overdraft limit",
    description="The limit says how far below zero the balance may go. It may not be less than the"
    " overdraft in use. A raised limit at or above the currency's approval threshold is not set:"
    " the response is 202 with a request that waits for a second person.",
    parameters=[ACCOUNT_ID],
    request=OverdraftLimitBody,
    responses={200: AccountSerializer, 202: LimitRequestSerializer},
    examples=[
        request_example({"overdraft_limit": "100.00", "reason": "Agreed on 31 January"}),
        response_example("Account", ACCOUNT_EXAMPLE, 200),
        response_example("Waiting", LIMIT_REQUEST_EXAMPLE, 202),
    ],
    extensions=errors("account_closed", "limit_below_use", "invalid_transition"),
)

list_limit_requests = extend_schema(
    operation_id="limit_requests_list",
    tags=[TAG],
    summary="List requests for limits",
    description="Newest first: pending and decided requests.",
    parameters=[LimitRequestQuery],
    responses=page_of(LimitRequestSerializer, "LimitRequestPage"),
    examples=[page_example(LIMIT_REQUEST_EXAMPLE, "limit_requests/")],
)

retrieve_limit_request = extend_schema(
    operation_id="limit_requests_retrieve",
    tags=[TAG],
    summary="Read a request for an overdraft limit",
    parameters=[_REQUEST_ID],
    responses=LimitRequestSerializer,
    examples=[response_example("Request", LIMIT_REQUEST_EXAMPLE)],
)


def _decide(verb: str, summary: str, description: str, body: Any, *codes: str) -> Any:
    decided = {**LIMIT_REQUEST_EXAMPLE, **_DECIDED}
    decided["status"] = "APPROVED" if verb == "approve" else "REJECTED"
    return extend_schema(
        operation_id=f"limit_requests_{verb}",
        tags=[TAG],
        summary=summary,
        description=description,
        parameters=[_REQUEST_ID],
        request=body,
        responses=LimitRequestSerializer,
        examples=[
            request_example({"reason": "Seen the contract"}),
            response_example("Request", decided),
        ],
        extensions=errors("invalid_transition", *codes),
    )


approve_limit_request = _decide(
    "approve",
    "Approve an overdraft limit",
    "Another supervisor sets the requested limit. Refused if the limit has changed since the"
    " request.",
    OptionalReasonBody,
    "self_approval",
    "account_closed",
    "limit_below_use",
)

reject_limit_request = _decide(
    "reject", "Reject an overdraft limit", "The limit stays as it is.", ReasonBody
)
