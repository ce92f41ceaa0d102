"""The OpenAPI schema of the routes that move money or list movements."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
)

from accounts.schema import ACCOUNT_ID
from accounts.schema import TAG as ACCOUNTS_TAG
from accounts.serializers import OpenAccountBody, OptionalReasonBody, ReasonBody
from core.api.describe import (
    CONDITION_ERRORS,
    CONDITIONS,
    IDEMPOTENCY_KEY,
    either,
    errors,
    page_example,
    page_of,
    read_of,
    request_example,
    response_example,
)
from transactions.api import examples
from transactions.api.bodies import AmountBody, BalanceQuery, TransferBody
from transactions.api.csv_list import csv_example, page_or_file
from transactions.api.dry_run import DryRunSerializer
from transactions.api.filters import EntryQuery, TransactionFilters, TransactionQuery
from transactions.api.parameters import DRY_RUN, PREFER, TRANSACTION_ID
from transactions.api.serializers import (
    BalanceSerializer,
    DirectedTransactionSerializer,
    EntrySerializer,
    OpenedAccountSerializer,
    TransactionDetailSerializer,
    TransactionSerializer,
)

TAG = "Transactions"
MONEY_TAG = "Money"

_OF_PAYMENTS = ("insufficient_funds", "limit_exceeded")
_OF_TRANSFERS = ("same_account", "currency_mismatch", *_OF_PAYMENTS, "balance_limit")
_OF_ACCOUNTS = ("account_closed", "account_frozen", "account_damaged")
_ANSWERS = {
    200: either("TransactionOrDryRun", TransactionSerializer, DryRunSerializer),
    202: TransactionSerializer,
}


def _answer_examples(name: str, value: Any) -> list[OpenApiExample]:
    return [
        response_example(name, value, 200),
        response_example("Dry run", examples.dry_run_of(value), 200),
        response_example("Waiting", examples.PENDING_EXAMPLE, 202),
    ]


def _money(
    operation_id: str, summary: str, description: str, body: Any, examples: list[Any], *codes: str
) -> Any:
    return extend_schema(
        operation_id=operation_id,
        tags=[MONEY_TAG],
        summary=summary,
        description=(
            f"{description} A refusal is stored as a FAILED transaction, and the error names it"
            f" in `transaction_id`; a bad request stores nothing. 202 means that the"
            " transaction waits: for a worker, for its time, or for approval."
        ),
        parameters=[ACCOUNT_ID, IDEMPOTENCY_KEY, PREFER, DRY_RUN],
        request=body,
        responses=_ANSWERS,
        examples=examples,
        extensions=errors(*_OF_ACCOUNTS, "idempotency_key_reused", *codes),
    )


def _decision(  # noqa: PLR0917 - words, one after the other
    operation_id: str,
    summary: str,
    description: str,
    body: Any,
    reason: str,
    answer: list[OpenApiExample],
    *codes: str,
    parameters: Sequence[OpenApiParameter] = (),
) -> Any:
    return extend_schema(
        operation_id=operation_id,
        tags=[TAG],
        summary=summary,
        description=description,
        parameters=[TRANSACTION_ID, *parameters, DRY_RUN],
        request=body,
        responses=_ANSWERS,
        examples=[request_example({"reason": reason}), *answer],
        extensions=errors("invalid_transition", *codes),
    )


open_account = extend_schema(
    operation_id="accounts_open",
    tags=[ACCOUNTS_TAG],
    summary="Open an account",
    description="Makes an account with a number of its own. An initial balance is a"
    " deposit, stored together with the account or not at all. It needs the right and the scope of"
    " a deposit. If its amount needs approval, the deposit is PENDING and the account stays empty"
    " until its approval. `initial_deposit` has its status. An overdraft limit that needs approval"
    " is refused: request it once the account is open.",
    parameters=[IDEMPOTENCY_KEY],
    extensions=errors("idempotency_key_reused", "approval_required"),
    request=OpenAccountBody,
    responses={201: OpenedAccountSerializer},
    examples=[
        request_example({"name": "Ada Lovelace", "initial_balance": "250.00", "currency": "USD"}),
        response_example("Account", examples.OPENED_EXAMPLE),
        response_example("Deposit waits", examples.OPENED_WAITING_EXAMPLE),
    ],
)

deposit = _money(
    "accounts_deposit",
    "Deposit",
    "Pays cash into the account.",
    AmountBody,
    [
        request_example({"amount": "250.00", "description": "Cash at the counter"}),
        *_answer_examples("Transaction", examples.DEPOSIT_EXAMPLE),
    ],
    "balance_limit",
)

withdraw = _money(
    "accounts_withdraw",
    "Withdraw",
    "Pays cash out of the account, within its available balance.",
    AmountBody,
    [
        request_example({"amount": "40.00"}),
        *_answer_examples("Transaction", examples.WITHDRAWAL_EXAMPLE),
    ],
    *_OF_PAYMENTS,
)

transfer = _money(
    "accounts_transfer",
    "Transfer",
    "Moves money to another account of the same currency.",
    TransferBody,
    [
        request_example(
            {
                "target_account_id": examples.TARGET_ID,
                "amount": "75.50",
                "description": "Rent, February",
            }
        ),
        *_answer_examples("Transaction", examples.TRANSFER_EXAMPLE),
    ],
    *_OF_TRANSFERS,
)

_PAID_EXAMPLE = {**examples.TRANSFER_EXAMPLE, "direction": "debit"}

account_transactions = extend_schema(
    operation_id="accounts_transactions",
    tags=[TAG],
    summary="History of an account",
    description="Newest first: both sides of transfers, refused and archived transactions"
    " included. As CSV the columns are the members of a row, with `failure` as three columns:"
    " `failure_code`, `failure_detail`, `failure_retryable`. XLSX and PDF are for people: with the"
    " filters above the table and the numbers of the accounts.",
    parameters=[ACCOUNT_ID, TransactionFilters],
    responses=page_or_file(page_of(DirectedTransactionSerializer, "AccountTransactionPage")),
    examples=[
        page_example(_PAID_EXAMPLE, f"accounts/{examples.SOURCE_ID}/transactions/"),
        csv_example(_PAID_EXAMPLE),
    ],
)

account_entries = extend_schema(
    operation_id="accounts_entries",
    tags=[TAG],
    summary="Ledger lines of an account",
    description="By sequence, highest first, each with the balance after it.",
    parameters=[ACCOUNT_ID, EntryQuery],
    responses=page_of(EntrySerializer, "EntryPage"),
    examples=[page_example(examples.ENTRY_EXAMPLE, f"accounts/{examples.SOURCE_ID}/entries/")],
)

account_balance = extend_schema(
    operation_id="accounts_balance",
    tags=[ACCOUNTS_TAG],
    summary="Balance of an account, now or at a past moment",
    description="The balance, and the moment for which this balance never changes. Without `at` the"
    " moment is the time of the last posting or the opening; for an internal account it is now.",
    parameters=[ACCOUNT_ID, BalanceQuery, *CONDITIONS],
    responses=read_of(BalanceSerializer),
    examples=[response_example("Balance", examples.BALANCE_EXAMPLE)],
    extensions=CONDITION_ERRORS,
)

list_transactions = extend_schema(
    operation_id="transactions_list",
    tags=[TAG],
    summary="List transactions",
    description="Newest first. Customers see payments from their own accounts, and payments to"
    " them once completed. As CSV the columns are the members of a row, with `failure` as three"
    " columns: `failure_code`, `failure_detail`, `failure_retryable`. XLSX and PDF are for people:"
    " with the filters above the table and the numbers of the accounts.",
    parameters=[TransactionQuery],
    responses=page_or_file(page_of(TransactionSerializer, "TransactionPage")),
    examples=[
        page_example(examples.TRANSFER_EXAMPLE, "transactions/"),
        csv_example(examples.TRANSFER_EXAMPLE),
    ],
)

retrieve_transaction = extend_schema(
    operation_id="transactions_retrieve",
    tags=[TAG],
    summary="Read a transaction",
    description="With its ledger lines and, for staff, its events.",
    parameters=[TRANSACTION_ID, *CONDITIONS],
    responses=read_of(TransactionDetailSerializer),
    examples=[response_example("Transaction", examples.DETAIL_EXAMPLE)],
    extensions=CONDITION_ERRORS,
)

_OUTCOMES = (*_OF_ACCOUNTS, *_OF_PAYMENTS, "balance_limit")

retry = _decision(
    "transactions_retry",
    "Retry a failed transaction",
    "Runs it again, by its id. Its events keep the earlier failure. Only if `failure.retryable`.",
    ReasonBody,
    "The customer has paid in",
    _answer_examples("Transaction", examples.WITHDRAWAL_EXAMPLE | {"retry_count": 1}),
    "not_retryable",
    "retry_limit",
    *_OUTCOMES,
    parameters=[PREFER],
)

reverse = _decision(
    "transactions_reverse",
    "Reverse a completed transaction",
    "Posts the opposite as a REVERSAL, once only. The original stays as it is.",
    ReasonBody,
    "Sent twice",
    _answer_examples("Reversal", examples.REVERSAL_EXAMPLE),
    "already_reversed",
    "reversal_of_reversal",
    "idempotency_key_reused",
    *_OUTCOMES,
    parameters=[IDEMPOTENCY_KEY, PREFER],
)

cancel = _decision(
    "transactions_cancel",
    "Cancel a pending transaction",
    "Possible until a worker starts it. The transaction ends FAILED with `cancelled`, for good.",
    ReasonBody,
    "Asked for by mistake",
    _answer_examples("Cancelled", examples.FAILED_EXAMPLE),
)

approve = _decision(
    "transactions_approve",
    "Approve a transaction that waits for approval",
    "Someone other than the requester approves it. It is processed at once, or at the time set.",
    OptionalReasonBody,
    "Checked with the customer",
    _answer_examples("Transaction", examples.WITHDRAWAL_EXAMPLE | {"approval_required": True}),
    "self_approval",
    *_OUTCOMES,
)

reject = _decision(
    "transactions_reject",
    "Reject a transaction that waits for approval",
    "It ends FAILED with `rejected`, for good. Its requester cancels it instead.",
    ReasonBody,
    "The customer knows nothing of it",
    _answer_examples("Rejected", examples.FAILED_EXAMPLE),
    "self_approval",
)
