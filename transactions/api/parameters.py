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
    description="`respond-async` (RFC 7240) queues the command and answers 202 at once.",
)

DRY_RUN = OpenApiParameter(
    "dry_run",
    bool,
    OpenApiParameter.QUERY,
    description=(
        "`true`: everything is checked, and answered with what would happen and the balances there"
        " would be; nothing is stored, no key is used. Always answered at once: 200 without a"
        " `transaction_id`, or the error that there would be. What is scheduled is checked as the"
        " accounts stand now."
    ),
)
