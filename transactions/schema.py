"""What the OpenAPI schema says of the routes that move money or list what was moved."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.schema import ACCOUNT_EXAMPLE, ACCOUNT_ID
from accounts.schema import TAG as ACCOUNTS_TAG
from accounts.serializers import AccountSerializer, OpenAccountBody
from core.api.describe import (
    IDEMPOTENCY_KEY,
    errors,
    page_example,
    page_of,
    request_example,
    response_example,
)
from transactions.filters import EntryQuery, TransactionFilters, TransactionQuery
from transactions.serializers import (
    AmountBody,
    BalanceQuery,
    BalanceSerializer,
    DirectedTransactionSerializer,
    EntrySerializer,
    TransactionDetailSerializer,
    TransactionSerializer,
    TransferBody,
)

TAG = "Transactions"
MONEY_TAG = "Money"

TRANSACTION_ID = OpenApiParameter(
    "transaction_id",
    str,
    OpenApiParameter.PATH,
    description="Identifier of the transaction (UUID).",
)

_ACCOUNT_ID = ACCOUNT_EXAMPLE["account_id"]
_TARGET_ID = "019ab0c4-9f10-7b33-8000-8a1d55e20c64"

TRANSFER_EXAMPLE: dict[str, Any] = {
    "transaction_id": "019ab0d1-22f4-7c58-8000-51b7e6a90d3c",
    "type": "TRANSFER",
    "status": "COMPLETED",
    "account_id": _ACCOUNT_ID,
    "target_account_id": _TARGET_ID,
    "amount": "75.50",
    "currency": "USD",
    "balance_after": "174.50",
    "description": "Rent, February",
    "failure": None,
    "retry_count": 0,
    "reverses": None,
    "effective_at": "2026-01-31T09:31:00.000000Z",
    "created_at": "2026-01-31T09:31:00.000000Z",
    "updated_at": "2026-01-31T09:31:00.004211Z",
    "completed_at": "2026-01-31T09:31:00.004211Z",
}
_DEPOSIT_EXAMPLE = {
    **TRANSFER_EXAMPLE,
    "type": "DEPOSIT",
    "target_account_id": None,
    "amount": "250.00",
    "balance_after": "250.00",
    "description": "Cash at the counter",
}
_WITHDRAWAL_EXAMPLE = {
    **_DEPOSIT_EXAMPLE,
    "type": "WITHDRAW",
    "amount": "40.00",
    "balance_after": "210.00",
}
_ENTRY_EXAMPLE = {
    "transaction_id": TRANSFER_EXAMPLE["transaction_id"],
    "account_id": _ACCOUNT_ID,
    "side": "DEBIT",
    "sequence": 2,
    "amount": "-75.50",
    "balance_after": "174.50",
    "currency": "USD",
    "posted_at": TRANSFER_EXAMPLE["completed_at"],
}
_DETAIL_EXAMPLE = {
    **TRANSFER_EXAMPLE,
    "reversed_by": None,
    "entries": [_ENTRY_EXAMPLE],
    "events": [],
}
_BALANCE_EXAMPLE = {
    "account_id": _ACCOUNT_ID,
    "currency": "USD",
    "balance": "174.50",
    "available_balance": "274.50",
    "at": "2026-01-31T09:32:00.000000Z",
}


def _money(
    operation_id: str, summary: str, description: str, body: Any, examples: list[Any], *codes: str
) -> Any:
    return extend_schema(
        operation_id=operation_id,
        tags=[MONEY_TAG],
        summary=summary,
        description=(
            f"{description} A refusal is kept as a FAILED transaction, and the error names it in"
            " `transaction_id`; a bad request leaves nothing behind."
        ),
        parameters=[ACCOUNT_ID, IDEMPOTENCY_KEY],
        request=body,
        responses=TransactionSerializer,
        examples=examples,
        extensions=errors("account_closed", "account_frozen", "idempotency_key_reused", *codes),
    )


open_account = extend_schema(
    operation_id="accounts_open",
    tags=[ACCOUNTS_TAG],
    summary="Open an account",
    description="Makes an account with a number of its own. An initial balance is paid in as a"
    " deposit, together with the opening or not at all.",
    parameters=[IDEMPOTENCY_KEY],
    extensions=errors("idempotency_key_reused"),
    request=OpenAccountBody,
    responses={201: AccountSerializer},
    examples=[
        request_example({"name": "Ada Lovelace", "initial_balance": "250.00", "currency": "USD"}),
        response_example("Account", ACCOUNT_EXAMPLE),
    ],
)

deposit = _money(
    "accounts_deposit",
    "Deposit",
    "Pays cash into the account.",
    AmountBody,
    [
        request_example({"amount": "250.00", "description": "Cash at the counter"}),
        response_example("Transaction", _DEPOSIT_EXAMPLE),
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
        response_example("Transaction", _WITHDRAWAL_EXAMPLE),
    ],
    "insufficient_funds",
)

transfer = _money(
    "accounts_transfer",
    "Transfer",
    "Moves money to another account of the same currency.",
    TransferBody,
    [
        request_example(
            {"target_account_id": _TARGET_ID, "amount": "75.50", "description": "Rent, February"}
        ),
        response_example("Transaction", TRANSFER_EXAMPLE),
    ],
    "same_account",
    "currency_mismatch",
    "insufficient_funds",
    "balance_limit",
)

account_transactions = extend_schema(
    operation_id="accounts_transactions",
    tags=[TAG],
    summary="History of an account",
    description="Newest first: both sides of transfers, what was refused, what is archived.",
    parameters=[ACCOUNT_ID, TransactionFilters],
    responses=page_of(DirectedTransactionSerializer, "AccountTransactionPage"),
    examples=[
        page_example(
            {**TRANSFER_EXAMPLE, "direction": "debit"}, f"accounts/{_ACCOUNT_ID}/transactions/"
        ),
    ],
)

account_entries = extend_schema(
    operation_id="accounts_entries",
    tags=[TAG],
    summary="Ledger lines of an account",
    description="By sequence, highest first, each with the balance after it.",
    parameters=[ACCOUNT_ID, EntryQuery],
    responses=page_of(EntrySerializer, "EntryPage"),
    examples=[
        page_example(_ENTRY_EXAMPLE, f"accounts/{_ACCOUNT_ID}/entries/"),
    ],
)

account_balance = extend_schema(
    operation_id="accounts_balance",
    tags=[ACCOUNTS_TAG],
    summary="Balance of an account, now or at a past moment",
    description="With `at`, the balance after everything posted until that moment.",
    parameters=[ACCOUNT_ID, BalanceQuery],
    responses=BalanceSerializer,
    examples=[response_example("Balance", _BALANCE_EXAMPLE)],
)

list_transactions = extend_schema(
    operation_id="transactions_list",
    tags=[TAG],
    summary="List transactions",
    description="Newest first. A customer sees what the own accounts paid, and what they were paid"
    " once it is completed.",
    parameters=[TransactionQuery],
    responses=page_of(TransactionSerializer, "TransactionPage"),
    examples=[page_example(TRANSFER_EXAMPLE, "transactions/")],
)

retrieve_transaction = extend_schema(
    operation_id="transactions_retrieve",
    tags=[TAG],
    summary="Read a transaction",
    description="With its ledger lines and, for staff, its events.",
    parameters=[TRANSACTION_ID],
    responses=TransactionDetailSerializer,
    examples=[response_example("Transaction", _DETAIL_EXAMPLE)],
)
