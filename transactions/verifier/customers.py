"""C1: accounts belong to their customer's user. C2: events lead to a customer's present state."""

from customers.states import CustomerEventType, CustomerStatus
from transactions.verifier.rules import Pass, Rule
from transactions.verifier.sql import quoted

_CUSTOMERS, _EVENTS = "customers_customer", "customers_customerevent"
_REGISTERED, _GIVEN = CustomerEventType.REGISTERED, CustomerEventType.USER_GIVEN
_ACTIVE, _CLOSED = CustomerStatus.ACTIVE, CustomerStatus.CLOSED

# The status after each event: only the record of an active customer changes.
_AFTER = {event: str(_ACTIVE) for event in CustomerEventType} | {
    CustomerEventType.CLOSED: str(_CLOSED),
    CustomerEventType.FORGOTTEN: str(CustomerStatus.FORGOTTEN),
}
_STEPS = quoted(
    f"{status} to {event}"
    for status, events in {
        _ACTIVE: (CustomerEventType.CHANGED, _GIVEN, CustomerEventType.CLOSED),
        _CLOSED: (CustomerEventType.REOPENED, CustomerEventType.FORGOTTEN),
    }.items()
    for event in events
)


def _status_after(event: str) -> str:
    cases = " ".join(f"WHEN '{one}' THEN '{status}'" for one, status in _AFTER.items())
    return f"CASE {event} {cases} END"


_OWNED = {
    "account_number": "account.number",
    "account_id": "account.id",
    "customer_id": "account.customer_id",
}

ACCOUNTS = Pass(
    f"""
    accounts_account AS account
    LEFT JOIN {_CUSTOMERS} AS customer ON customer.id = account.customer_id""",
    [
        Rule(
            code="C1.customer_missing",
            says="The customer of an account exists.",
            broken="account.customer_id IS NOT NULL AND customer.id IS NULL",
            where=_OWNED,
            expected="'a customer'",
            found="'none'",
        ),
        Rule(
            code="C1.owner_is_another_user",
            says="The owner of an account is the user of its customer.",
            broken="customer.id IS NOT NULL"
            " AND coalesce(account.owner_id, 0) <> coalesce(customer.user_id, 0)",
            where=_OWNED,
            expected="customer.user_id",
            found="account.owner_id",
        ),
    ],
)

# A registration and the first change may have the same moment.
_IN_ORDER = f"at, CASE event WHEN '{_REGISTERED}' THEN 0 ELSE 1 END, id"
_STEP = "event.status_before || ' to ' || event.event"
_TOLD = {"customer_id": "event.customer_id", "event_id": "event.id"}

EVENTS = Pass(
    f"""(
    SELECT id, customer_id, event, {_status_after("event")} AS status_after,
           {_status_after("lag(event) OVER in_order")} AS status_before,
           lead(id) OVER in_order AS next_id
    FROM {_EVENTS}
    WINDOW in_order AS (PARTITION BY customer_id ORDER BY {_IN_ORDER})
) AS event
LEFT JOIN {_CUSTOMERS} AS customer ON customer.id = event.customer_id""",
    [
        Rule(
            code="C2.event_without_customer",
            says="The customer of an event exists.",
            broken="customer.id IS NULL",
            where=_TOLD,
            expected="'a customer'",
            found="'none'",
        ),
        Rule(
            code="C2.first_event",
            says="A customer's first event, and no other, is the registration.",
            broken=f"(event.status_before IS NULL) <> (event.event = '{_REGISTERED}')",
            where=_TOLD,
            expected=f"CASE WHEN event.status_before IS NULL THEN '{_REGISTERED}'"
            " ELSE 'a later event' END",
            found="event.event",
        ),
        Rule(
            code="C2.forbidden_step",
            says="Only active customers change or are closed, only closed ones are reopened or"
            " forgotten.",
            broken=f"event.event <> '{_REGISTERED}' AND {_STEP} NOT IN ({_STEPS})",
            where=_TOLD,
            expected="'a permitted step'",
            found=_STEP,
        ),
        Rule(
            code="C2.events_end_elsewhere",
            says="A customer's last event leads to the present status.",
            broken="event.next_id IS NULL AND customer.status <> event.status_after",
            where=_TOLD,
            expected="event.status_after",
            found="customer.status",
        ),
    ],
)

_RECORD = {"customer_id": "customer.id"}
_HAS_USER = "CASE WHEN customer.user_id IS NULL THEN 0 ELSE 1 END"

CUSTOMERS = Pass(
    f"""
    {_CUSTOMERS} AS customer
    LEFT JOIN (
        SELECT customer_id, count(*) AS events,
               sum(CASE WHEN event = '{_GIVEN}' THEN 1 ELSE 0 END) AS given
        FROM {_EVENTS} GROUP BY customer_id
    ) AS told ON told.customer_id = customer.id""",
    [
        Rule(
            code="C2.no_event",
            says="A customer has an event, that of the registration.",
            broken="told.events IS NULL",
            where=_RECORD,
            expected="'an event'",
            found="'none'",
        ),
        Rule(
            code="C2.user_without_event",
            says="One event has given a customer their user, and none if there is no user.",
            broken=f"told.given <> {_HAS_USER}",
            where=_RECORD,
            expected=_HAS_USER,
            found="told.given",
        ),
    ],
)

PASSES = (ACCOUNTS, EVENTS, CUSTOMERS)
