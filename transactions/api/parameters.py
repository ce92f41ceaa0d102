"""Parameters shared by several routes of transactions, for the OpenAPI schema."""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter

TRANSACTION_ID = OpenApiParameter(
    "transaction_id",
    UUID,
    OpenApiParameter.PATH,
    description="Identifier of the transaction (UUID).",
)

PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`respond-async` (RFC 7240) queues the command and returns 202 at once.",
)

DRY_RUN = OpenApiParameter(
    "dry_run",
    bool,
    OpenApiParameter.QUERY,
    description=(
        "`true`: checks everything and returns the expected outcome and balances; stores nothing"
        " and uses up no key. Responds at once: 200 without a `transaction_id`, or the expected"
        " error. A scheduled transaction is checked on the accounts as they are now."
    ),
)
