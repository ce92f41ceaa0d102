"""L1: a transaction's events lead from its initial state to its present one."""

from transactions.states import INITIAL, TRANSITIONS, TransactionEventType
from transactions.verifier.rules import Pass, Rule
from transactions.verifier.sql import EVENTS, JOURNAL, quoted

# A row for each event, in the order of ids, with values of the previous event. A transaction is
# compared with its last event only.
_SOURCE = f"""(
    SELECT id, transaction_id, event, from_status, to_status,
           lag(to_status) OVER in_order AS status_before,
           lead(id) OVER in_order AS next_id
    FROM {EVENTS}
    WINDOW in_order AS (PARTITION BY transaction_id ORDER BY id)
) AS event
LEFT JOIN {JOURNAL} AS t ON t.id = event.transaction_id"""

_WHERE = {"transaction_id": "event.transaction_id", "event_id": "event.id"}
_STEP = "event.from_status || ' to ' || event.to_status"
_STEPS = quoted(f"{one} to {other}" for one, others in TRANSITIONS.items() for other in others)

PASS = Pass(
    _SOURCE,
    [
        Rule(
            code="L1.event_without_transaction",
            says="The transaction of an event exists.",
            broken="t.id IS NULL",
            where=_WHERE,
            expected="'a transaction'",
            found="'none'",
        ),
        Rule(
            code="L1.forbidden_transition",
            says="A status moves along the table of transitions only.",
            # Approval does not change the state if the transaction is scheduled or posted next.
            broken=f"{_STEP} NOT IN ({_STEPS})"
            f" AND NOT (event.event = '{TransactionEventType.APPROVED}'"
            f" AND {_STEP} = 'PENDING to PENDING')",
            where=_WHERE,
            expected="'a step of the table'",
            found=_STEP,
        ),
        Rule(
            code="L1.impossible_birth",
            says="A transaction's first event leaves an initial state.",
            broken=f"status_before IS NULL AND event.from_status NOT IN ({quoted(INITIAL)})",
            where=_WHERE,
            expected=f"'{', '.join(sorted(INITIAL))}'",
            found="event.from_status",
        ),
        Rule(
            code="L1.events_not_connected",
            says="Each event begins in the state that the one before it ended in.",
            broken="event.from_status <> status_before",
            where=_WHERE,
            expected="status_before",
            found="event.from_status",
        ),
        Rule(
            code="L1.events_end_elsewhere",
            says="The last event ends in the state that its transaction is in.",
            broken="next_id IS NULL AND t.status <> event.to_status",
            where=_WHERE,
            expected="event.to_status",
            found="t.status",
        ),
    ],
)
