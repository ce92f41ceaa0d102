"""Every kind of damage that the verifier knows: one statement each, with the expected findings."""

from dataclasses import dataclass

T, A, E = "transactions_transaction", "accounts_account", "transactions_transactionevent"
C, CE = "customers_customer", "customers_customerevent"
N = "transactions_note"
H, HC, HE = "transactions_hold", "transactions_holdcapture", "transactions_holdevent"


@dataclass(frozen=True)
class Damage:
    """The damage by `statement`: `code` at this place, `count` times, and `others` with it.

    Values that are names of a Bank stand for its ids. Times match by their beginning.
    """

    code: str
    statement: str
    where: dict[str, str | int]
    expected: str
    found: str
    others: tuple[str, ...] = ()
    count: int = 1


DAMAGES = [
    Damage(
        "M1.account_missing",
        f"UPDATE {T} SET credit_account_id = {{nobody}} WHERE id = {{pending}}",
        {"transaction_id": "pending", "account_id": "nobody"},
        "an account", "none",
    ),
    Damage(
        "M1.currency_differs",
        f"UPDATE {T} SET credit_account_id = {{eve}} WHERE id = {{pending}}",
        {"transaction_id": "pending", "account_id": "eve"},
        "EUR", "USD",
    ),
    Damage(
        "M1.entry_not_numbered",
        f"UPDATE {T} SET credit_balance_after = NULL WHERE id = {{transfer}}",
        {"transaction_id": "transfer", "account_id": "bob", "sequence": 1},
        "a sequence and a balance after", "a sequence only",
    ),
    Damage(
        "M1.internal_entry_numbered",
        f"UPDATE {T} SET debit_sequence = 1, debit_balance_after = -5 WHERE id = {{deposit}}",
        {"transaction_id": "deposit", "account_id": "cash", "sequence": 1},
        "neither", "a sequence or a balance after",
    ),
    Damage(
        "M1.posted_while_not_completed",
        f"UPDATE {T} SET credit_sequence = 9 WHERE id = {{pending}}",
        {"transaction_id": "pending", "account_id": "ada", "sequence": 9},
        "nothing posted", "PENDING",
    ),
    Damage(
        "M1.completion_time",
        f"UPDATE {T} SET completed_at = NULL WHERE id = {{deposit}}",
        {"transaction_id": "deposit"},
        "a time", "None",
    ),
    Damage(
        "M1.completion_time",
        f"UPDATE {T} SET completed_at = '2026-01-02 03:04:05' WHERE id = {{refused}}",
        {"transaction_id": "refused"},
        "none", "2026-01-02 03:04:05",
    ),
    Damage(
        "M1.posted_in_the_future",
        f"UPDATE {T} SET completed_at = '2999-01-02 03:04:05' WHERE id = {{withdrawal}}",
        {"transaction_id": "withdrawal"},
        "until 2", "2999-01-02 03:04:05",
        ("M2.posting_time_runs_backwards",),
    ),
    Damage(
        "M1.amount_not_positive",
        f"UPDATE {T} SET amount = 0 WHERE id = {{pending}}",
        {"transaction_id": "pending"},
        "a positive amount", "0.0000",
    ),
    Damage(
        "M1.same_account",
        f"UPDATE {T} SET credit_account_id = debit_account_id WHERE id = {{refused}}",
        {"transaction_id": "refused", "account_id": "ada"},
        "another account", "ada",
    ),
    Damage(
        "M1.wrong_kind_of_account",
        f"UPDATE {T} SET type = 'WITHDRAW' WHERE id = {{pending}}",
        {"transaction_id": "pending"},
        "CUSTOMER to CASH", "CASH to CUSTOMER",
    ),
    Damage(
        "M1.wrong_kind_of_account",
        f"UPDATE {T} SET type = 'TRANSFER' WHERE id = {{pending}}",
        {"transaction_id": "pending"},
        "CUSTOMER to CUSTOMER", "CASH to CUSTOMER",
    ),
    Damage(
        "M1.reversal_without_original",
        f"UPDATE {T} SET reverses_id = NULL WHERE id = {{reversal}}",
        {"transaction_id": "reversal"},
        "a completed original", "none",
    ),
    Damage(
        "M1.reversal_without_original",
        f"UPDATE {T} SET reverses_id = {{withdrawal}} WHERE id = {{pending}}",
        {"transaction_id": "pending", "original_id": "withdrawal"},
        "none", "COMPLETED WITHDRAW",
    ),
    Damage(
        "M1.reversal_account",
        f"UPDATE {T} SET debit_account_id = {{bob}} WHERE id = {{failed_reversal}}",
        {"transaction_id": "failed_reversal", "original_id": "deposit", "account_id": "bob"},
        "ada", "bob",
    ),
    Damage(
        "M1.reversal_amount",
        f"UPDATE {T} SET amount = amount + 1 WHERE id = {{failed_reversal}}",
        {"transaction_id": "failed_reversal", "original_id": "deposit"},
        "100.0000", "100.0001",
    ),
    Damage(
        "M2.sequence_gap",
        f"UPDATE {T} SET credit_sequence = 5 WHERE id = {{queued}}",
        {"transaction_id": "queued", "account_id": "bob", "sequence": 5},
        "3", "5",
    ),
    Damage(
        "M2.sequence_duplicate",
        f"UPDATE {T} SET credit_sequence = 2 WHERE id = {{queued}}",
        {"transaction_id": "queued", "account_id": "bob", "sequence": 2},
        "3", "2",
    ),
    Damage(
        "M2.balance_does_not_follow",
        f"UPDATE {T} SET credit_balance_after = 250001 WHERE id = {{transfer}}",
        {"transaction_id": "transfer", "account_id": "bob", "sequence": 1},
        "25.0000", "25.0001",
        count=2,
    ),
    Damage(
        "M2.posting_time_runs_backwards",
        f"UPDATE {T} SET completed_at = '2026-01-02 03:04:05' WHERE id = {{withdrawal}}",
        {"transaction_id": "withdrawal", "account_id": "ada", "sequence": 2},
        "", "2026-01-02 03:04:05",
    ),
    Damage(
        "M2.balance_is_not_the_last",
        f"UPDATE {A} SET balance = balance + 1 WHERE id = {{bob}}",
        {"transaction_id": "queued", "account_id": "bob", "sequence": 3},
        "7.0000", "7.0001",
        ("M2.balance_is_not_the_sum", "M3.currency_does_not_balance"),
    ),
    Damage(
        "M2.balance_is_not_the_sum",
        f"UPDATE {A} SET balance = balance + 1 WHERE id = {{bob}}",
        {"account_id": "bob"},
        "7.0000", "7.0001",
        ("M2.balance_is_not_the_last", "M3.currency_does_not_balance"),
    ),
    Damage(
        "M2.last_posted_at",
        f"UPDATE {A} SET last_posted_at = '2026-01-02 03:04:05' WHERE id = {{bob}}",
        {"transaction_id": "queued", "account_id": "bob", "sequence": 3},
        "", "2026-01-02 03:04:05",
    ),
    Damage(
        "M2.last_posted_at",
        f"UPDATE {A} SET last_posted_at = '2026-01-02 03:04:05' WHERE id = {{cid}}",
        {"account_id": "cid"},
        "None", "2026-01-02 03:04:05",
    ),
    Damage(
        "M2.last_sequence",
        f"UPDATE {A} SET last_sequence = 7 WHERE id = {{bob}}",
        {"account_id": "bob"},
        "3", "7",
    ),
    Damage(
        "M2.balance_kept",
        f"UPDATE {A} SET balance = NULL WHERE id = {{bob}}",
        {"account_id": "bob"},
        "both", "a last sequence only",
        ("M3.currency_does_not_balance",),
    ),
    Damage(
        "M2.balance_kept",
        f"UPDATE {A} SET balance = 0 WHERE id = {{cash}}",
        {"account_id": "cash", "account_number": "CASH-USD"},
        "neither", "a balance only",
    ),
    Damage(
        "M3.currency_does_not_balance",
        f"DELETE FROM {T} WHERE id = {{eve_deposit}}",
        {"currency": "EUR"},
        "0.0000", "11.0000",
        ("M2.balance_is_not_the_sum", "M2.last_posted_at", "M2.last_sequence"),
    ),
    Damage(
        "M4.overdrawn",
        f"UPDATE {A} SET overdraft_limit = -80000 WHERE id = {{bob}}",
        {"account_id": "bob"},
        "8.0000", "7.0000",
    ),
    Damage(
        "M4.closed_with_balance",
        f"UPDATE {A} SET status = 'CLOSED' WHERE id = {{bob}}",
        {"account_id": "bob"},
        "0.0000", "7.0000",
    ),
    Damage(
        "L1.unknown_status",
        f"UPDATE {T} SET status = 'LOST' WHERE id = {{pending}}",
        {"transaction_id": "pending"},
        "a state of the table", "LOST",
        ("L1.state_without_events",),
    ),
    Damage(
        "L1.state_without_events",
        f"UPDATE {T} SET status = 'PROCESSING' WHERE id = {{pending}}",
        {"transaction_id": "pending"},
        "COMPLETED, FAILED, PENDING", "PROCESSING",
    ),
    Damage(
        "L1.failure_fields",
        f"UPDATE {T} SET failure_code = '', failure_detail = '' WHERE id = {{refused}}",
        {"transaction_id": "refused"},
        "a failure code", "none",
    ),
    Damage(
        "L1.failure_fields",
        f"UPDATE {T} SET failure_detail = 'late' WHERE id = {{pending}}",
        {"transaction_id": "pending"},
        "no failure", "late",
    ),
    Damage(
        "L1.event_without_transaction",
        f"DELETE FROM {T} WHERE id = {{processing}}",
        {"transaction_id": "processing", "event_id": "processing_event"},
        "a transaction", "none",
    ),
    Damage(
        "L1.forbidden_transition",
        f"UPDATE {E} SET from_status = 'FAILED' WHERE id = {{processing_event}}",
        {"transaction_id": "processing", "event_id": "processing_event"},
        "a step of the table", "FAILED to PROCESSING",
    ),
    Damage(
        "L1.impossible_birth",
        f"UPDATE {E} SET from_status = 'PROCESSING' WHERE id = {{retry_event}}",
        {"transaction_id": "retried", "event_id": "retry_event"},
        "COMPLETED, FAILED, PENDING", "PROCESSING",
    ),
    Damage(
        "L1.events_not_connected",
        f"UPDATE {E} SET from_status = 'PROCESSING' WHERE id = {{failure_event}}",
        {"transaction_id": "retried", "event_id": "failure_event"},
        "PENDING", "PROCESSING",
    ),
    Damage(
        "L1.events_end_elsewhere",
        f"UPDATE {T} SET status = 'PENDING' WHERE id = {{processing}}",
        {"transaction_id": "processing", "event_id": "processing_event"},
        "PROCESSING", "PENDING",
    ),
    Damage(
        "R1.id_tells_another_time",
        f"UPDATE {T} SET created_at = '2026-01-02 03:04:05' WHERE id = {{pending}}",
        {"transaction_id": "pending"},
        "2026-01-02T03:04:05", "",
    ),
    Damage(
        "R1.id_tells_another_time",
        f"UPDATE {T} SET id = {{random}} WHERE id = {{pending}}",
        {"transaction_id": "random"},
        "", "no time",
    ),
    Damage(
        "C1.customer_missing",
        f"UPDATE {A} SET customer_id = {{nobody}} WHERE id = {{dora}}",
        {"account_id": "dora", "customer_id": "nobody"},
        "a customer", "none",
    ),
    Damage(
        "C1.owner_is_another_user",
        f"UPDATE {A} SET owner_id = NULL WHERE id = {{dora}}",
        {"account_id": "dora", "customer_id": "customer"},
        "", "None",
    ),
    Damage(
        "C1.owner_is_another_user",
        f"UPDATE {A} SET customer_id = {{plain}} WHERE id = {{dora}}",
        {"account_id": "dora", "customer_id": "plain"},
        "None", "",
    ),
    Damage(
        "C2.event_without_customer",
        f"DELETE FROM {C} WHERE id = {{plain}}",
        {"customer_id": "plain", "event_id": "plain_event"},
        "a customer", "none",
    ),
    Damage(
        "C2.first_event",
        f"UPDATE {CE} SET event = 'CHANGED' WHERE id = {{plain_event}}",
        {"customer_id": "plain", "event_id": "plain_event"},
        "REGISTERED", "CHANGED",
    ),
    Damage(
        "C2.first_event",
        f"UPDATE {CE} SET event = 'REGISTERED' WHERE id = {{change_event}}",
        {"customer_id": "customer", "event_id": "change_event"},
        "a later event", "REGISTERED",
    ),
    Damage(
        "C2.forbidden_step",
        f"UPDATE {CE} SET event = 'REOPENED' WHERE id = {{change_event}}",
        {"customer_id": "customer", "event_id": "change_event"},
        "a permitted step", "ACTIVE to REOPENED",
    ),
    Damage(
        "C2.events_end_elsewhere",
        f"UPDATE {C} SET status = 'CLOSED' WHERE id = {{plain}}",
        {"customer_id": "plain", "event_id": "plain_event"},
        "ACTIVE", "CLOSED",
    ),
    Damage(
        "C2.no_event",
        f"DELETE FROM {CE} WHERE id = {{plain_event}}",
        {"customer_id": "plain"},
        "an event", "none",
    ),
    Damage(
        "C2.user_without_event",
        f"UPDATE {CE} SET event = 'CHANGED' WHERE id = {{user_event}}",
        {"customer_id": "customer"},
        "1", "0",
    ),
    Damage(
        "C2.user_without_event",
        f"UPDATE {C} SET user_id = NULL WHERE id = {{customer}}",
        {"customer_id": "customer"},
        "0", "1",
        ("C1.owner_is_another_user",),
    ),
    Damage(
        "R1.id_tells_another_time",
        f"UPDATE {N} SET at = '2026-01-02 03:04:05' WHERE id = {{note}}",
        {"note_id": "note"},
        "2026-01-02T03:04:05", "",
    ),
    Damage(
        "N1.text_of_note",
        f"UPDATE {N} SET text = '' WHERE id = {{note}}",
        {"note_id": "note", "account_id": "ada"},
        "a text", "no text",
    ),
    Damage(
        "R1.id_tells_another_time",
        f"UPDATE {H} SET created_at = '2026-01-02 03:04:05' WHERE id = {{hold}}",
        {"hold_id": "hold"},
        "2026-01-02T03:04:05", "",
    ),
    Damage(
        "H1.captured_is_not_the_sum",
        f"UPDATE {H} SET captured = 10000, amount = 40000 WHERE id = {{hold}}",
        {"hold_id": "hold", "account_id": "fay"},
        "2.0000", "1.0000",
        ("H1.not_as_its_last_event",),
    ),
    Damage(
        "H1.captured_beyond_amount",
        f"UPDATE {H} SET amount = 10000, status = 'CAPTURED' WHERE id = {{hold}}",
        {"hold_id": "hold", "account_id": "fay"},
        "1.0000", "2.0000",
        ("H1.held_is_not_the_sum", "H1.not_as_its_last_event"),
    ),
    Damage(
        "H1.held_is_not_the_sum",
        f"UPDATE {A} SET held = 0 WHERE id = {{fay}}",
        {"account_id": "fay"},
        "3.0000", "0.0000",
    ),
    Damage(
        "H1.held_is_not_the_sum",
        f"UPDATE {H} SET status = 'VOIDED' WHERE id = {{hold}}",
        {"account_id": "fay"},
        "0.0000", "3.0000",
        ("H1.not_as_its_last_event",),
    ),
    Damage(
        "H1.held_beyond_available",
        f"UPDATE {A} SET balance = 20000 WHERE id = {{fay}}",
        {"account_id": "fay"},
        "2.0000", "3.0000",
        ("M2.balance_is_not_the_sum", "M2.balance_is_not_the_last", "M3.currency_does_not_balance"),
    ),
    Damage(
        "H1.capture_of_another_account",
        f"UPDATE {H} SET account_id = {{cid}}, status = 'VOIDED' WHERE id = {{hold}}",
        {"hold_id": "hold", "account_id": "cid", "transaction_id": "capture"},
        "the accounts of the hold", "other accounts",
        ("H1.held_is_not_the_sum", "H1.not_as_its_last_event"),
    ),
    Damage(
        "H1.not_as_its_last_event",
        f"DELETE FROM {HE} WHERE hold_id = {{hold}} AND event = 'CAPTURED'",
        {"hold_id": "hold", "account_id": "fay"},
        "OPEN 0", "OPEN 20000",
    ),
]  # fmt: skip
