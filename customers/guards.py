"""Guards in the database on customers and their events. They hold on every path."""

from core.guards import append_only, changed, never_deleted, refuse

CUSTOMERS = "customers_customer"
EVENTS = "customers_customerevent"

GUARDS = [
    *never_deleted(CUSTOMERS, "customers"),
    refuse(
        "customers_customer_identity",
        CUSTOMERS,
        "UPDATE",
        "a customer keeps their number and kind",
        when=changed(
            [
                "id",
                "number",
                "kind",
                "idempotency_caller",
                "idempotency_key",
                "created_at",
            ]
        ),
    ),
    # What a user sees follows from their customer, so a login never passes to another.
    refuse(
        "customers_customer_user",
        CUSTOMERS,
        "UPDATE",
        "a customer keeps their user",
        when="OLD.user_id IS NOT NULL AND (" + changed(["user_id"]) + ")",
    ),
    refuse(
        "customers_customer_forgotten",
        CUSTOMERS,
        "UPDATE",
        "a forgotten customer stays forgotten",
        when="OLD.status = 'FORGOTTEN'",
    ),
    *append_only(EVENTS, "customer events"),
]
