"""The OpenAPI schema of statements."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from accounts.schema import ACCOUNT_EXAMPLE, ACCOUNT_ID
from core.api.describe import page_example, page_of
from statements.api.serializers import (
    InterimQuery,
    StatementDocumentSerializer,
    StatementListQuery,
    StatementQuery,
    StatementSerializer,
)
from statements.documents.content import DocumentFormat
from statements.documents.render import CONTENT_TYPES
from transactions.api.examples import TRANSFER_EXAMPLE

TAG = "Statements"

STATEMENT_ID = OpenApiParameter(
    "statement_id", UUID, OpenApiParameter.PATH, description="Identifier of the statement (UUID)."
)

_FIGURES: dict[str, Any] = {
    "from": "2026-01-01T00:00:00.000000Z",
    "to": "2026-02-01T00:00:00.000000Z",
    "time_zone": "UTC",
    "count": 1,
    "opening_balance": "0.00",
    "closing_balance": "250.00",
    "total_debits": "0.00",
    "total_credits": "250.00",
}
STATEMENT_EXAMPLE: dict[str, Any] = {
    "statement_id": "019c17d2-6c2a-7b41-8000-5d0e9c3f1b28",
    "account_id": ACCOUNT_EXAMPLE["account_id"],
    "account_number": ACCOUNT_EXAMPLE["number"],
    "currency": "USD",
    "number": 1,
    "period": "2026-01",
    "first_sequence": 1,
    "last_sequence": 1,
    **_FIGURES,
    "digest": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "previous_digest": None,
    "issued_at": "2026-02-01T00:15:00.000000Z",
}
_INTERIM: dict[str, Any] = {
    "bank": "Bank",
    "account": {
        "id": ACCOUNT_EXAMPLE["account_id"],
        "number": ACCOUNT_EXAMPLE["number"],
        "name": ACCOUNT_EXAMPLE["name"],
        "customer": "Ada Lovelace",
        "currency": "USD",
        "overdraft_limit": "100.00",
        "held": "0.00",
    },
    "number": None,
    **_FIGURES,
    "issued_at": "2026-02-01T00:15:00.000000Z",
    "secret": None,
    "digest": None,
    "previous_digest": None,
    "check_url": None,
    "seal": None,
    "lines": [
        {
            "sequence": 1,
            "transaction_id": TRANSFER_EXAMPLE["transaction_id"],
            "type": "DEPOSIT",
            "posted_at": "2026-01-31T09:30:00.000000Z",
            "effective_at": "2026-01-31T09:30:00.000000Z",
            "text": "Deposit",
            "description": "Cash at the counter",
            "debit": None,
            "credit": "250.00",
            "balance_after": "250.00",
            "counterparty_number": None,
            "counterparty_name": None,
            "reverses": None,
            "reversed_by": None,
            "has_earlier_value_date": False,
        }
    ],
}
_ISSUED = {
    **_INTERIM,
    "number": 1,
    "secret": "7d1c0f3a52b94e86a1d7c3f0925e6b48d0a7f1c3e59b2846750d9e3c1fa8b264",
    "digest": STATEMENT_EXAMPLE["digest"],
    "check_url": f"https://bank.example/verify/{STATEMENT_EXAMPLE['digest']}/",
}
_DOCUMENTS: dict[tuple[int, str], Any] = {
    (200, media_type): StatementDocumentSerializer
    if wanted is DocumentFormat.JSON
    else OpenApiTypes.STR
    if wanted is DocumentFormat.CSV
    else OpenApiTypes.BINARY
    for wanted, media_type in CONTENT_TYPES.items()
}


def _json_example(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, media_type="application/json")


_CSV_EXAMPLE = OpenApiExample(
    "Statement as CSV",
    value="Posted at (UTC),Value date (UTC),Type,Text,Description,Debit,Credit,Balance after,"
    "Currency,Other account,Other account name,Earlier value date,Reverses,Reversed by,Sequence,"
    "Transaction\r\n2026-01-31T09:30:00Z,2026-01-31T09:30:00Z,DEPOSIT,Deposit,Cash at the counter,,"
    f"250.00,250.00,USD,,,,,,1,{TRANSFER_EXAMPLE['transaction_id']}\r\n",
    response_only=True,
    media_type="text/csv",
)

list_statements = extend_schema(
    operation_id="accounts_statements",
    tags=[TAG],
    summary="Statements of an account",
    description="Those that were issued, newest first: one for each month of the bank's time zone"
    " that has ended. Each begins where the one before it ends, and none ever changes.",
    parameters=[ACCOUNT_ID, StatementListQuery],
    responses=page_of(StatementSerializer, "StatementPage"),
    examples=[
        page_example(STATEMENT_EXAMPLE, f"accounts/{ACCOUNT_EXAMPLE['account_id']}/statements/"),
    ],
)

retrieve_statement = extend_schema(
    operation_id="statements_retrieve",
    tags=[TAG],
    summary="Read a statement",
    description="With all its entries, in the format of `format` or Accept. `digest` covers all"
    " figures and entries, and the digest of the statement before it. Anyone may check it at"
    " `check_url`.",
    parameters=[STATEMENT_ID, StatementQuery],
    responses=_DOCUMENTS,
    examples=[_json_example("Statement", _ISSUED), _CSV_EXAMPLE],
)

interim_statement = extend_schema(
    operation_id="accounts_statement",
    tags=[TAG],
    summary="Interim statement over any days",
    description="From the day `from` up to but not including `to`, in the bank's time zone, or up"
    " to now. It is not issued: it has no number and no digest. The same days in the past give the"
    " same entries for ever. A PDF has at most 10,000 entries, other formats 100,000; more are"
    " refused with `too_many_rows`.",
    parameters=[ACCOUNT_ID, InterimQuery],
    responses=_DOCUMENTS,
    examples=[_json_example("Statement", _INTERIM), _CSV_EXAMPLE],
)
