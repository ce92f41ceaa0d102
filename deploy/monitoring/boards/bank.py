"""The dashboard of the bank: what is wrong, what moved, what failed, what waits for people."""

from collections.abc import Iterator

from core.errors import FAILURES_BY_DECISION
from deploy.monitoring.boards import alerts
from deploy.monitoring.boards.expressions import rate, read
from deploy.monitoring.panels import Shown, curves, number


def panels() -> Iterator[Shown]:
    yield from alerts.panels()
    moved = "bank_transactions_total"
    completed = 'status="COMPLETED"'
    # What somebody or time has decided is no failure.
    failed = f'status="FAILED",failure_code!~"{"|".join(FAILURES_BY_DECISION)}"'
    yield number(
        "Completed",
        "Transactions completed in the last 24 hours.",
        "short",
        f"sum(increase({moved}{{{completed}}}[24h]))",
    )
    yield number(
        "Failed",
        "Transactions failed in the last 24 hours, without those rejected, cancelled or expired.",
        "short",
        f"sum(increase({moved}{{{failed}}}[24h]))",
    )
    yield curves(
        "Movements",
        "Completed transactions per second by type.",
        "cps",
        (rate(moved, "type", completed), "{{type}}"),
    )
    yield curves(
        "Amounts",
        "Sum of completed transactions in an hour, in main units of the currency.",
        "short",
        (
            "sum by (type, currency) (increase(bank_transactions_amount_total[1h]))",
            "{{type}} {{currency}}",
        ),
    )
    yield curves(
        "Failures",
        "Failed transactions per second by the code of their failure, decisions included.",
        "cps",
        (rate(moved, "failure_code", 'status="FAILED"'), "{{failure_code}}"),
    )
    yield curves(
        "Ways",
        "Completed transactions per second by their way: at once, queue, batch, console, job.",
        "cps",
        (rate(moved, "path", completed), "{{path}}"),
    )
    yield number(
        "Books",
        "1 if the last verification found nothing, 0 if it found damage.",
        "short",
        "min(bank_books_sound)",
    )
    yield number(
        "Verified",
        "Time since the end of the last verification.",
        "s",
        "min(bank_verification_age_seconds)",
    )
    yield number(
        "Sealed",
        "Time since the last seal.",
        "s",
        "min(bank_seal_age_seconds)",
    )
    yield curves(
        "Unsealed",
        "Entries that no seal covers yet: their owner could still change them without a trace.",
        "short",
        ("max(bank_unsealed_entries)", "entries"),
    )
    yield number(
        "Overdue",
        "Duties beyond their limits: worker, verification, archive, mail, seal, jobs.",
        "short",
        f"sum({read('bank_duty_overdue', 'duty')})",
    )
    yield number(
        "Jobs overdue",
        "Jobs that workers should have done by themselves, and have not.",
        "short",
        f"sum({read('bank_job_overdue', 'name')})",
    )
    yield curves(
        "Jobs",
        "Time since the last success of each job.",
        "s",
        (f"time() - {read('bank_job_last_success_timestamp_seconds', 'name')}", "{{name}}"),
    )
    yield curves(
        "Work of jobs",
        "Time that the last success of each job took.",
        "s",
        (read("bank_job_last_success_seconds", "name"), "{{name}}"),
    )
    yield number(
        "Approvals",
        "What waits for a second person.",
        "short",
        f"sum({read('bank_approvals_waiting', 'kind')})",
    )
    yield number(
        "Oldest approval",
        "Age of the oldest that waits for a second person.",
        "s",
        "max(bank_approvals_oldest_age_seconds)",
    )
    yield number("Holds", "Open holds.", "short", "max(bank_holds_open)")
    yield curves(
        "Balances",
        "Sum of customers' balances by currency, in its main units.",
        "short",
        (read("bank_customers_balance_amount", "currency"), "{{currency}}"),
        (read("bank_overdraft_used_amount", "currency"), "overdraft {{currency}}"),
    )
    yield curves(
        "Accounts",
        "Customer accounts by status.",
        "short",
        (read("bank_accounts", "status"), "{{status}}"),
    )
    yield curves(
        "Repeats",
        "Requests and items per second that got the answer of an earlier one with the same key.",
        "cps",
        (rate("bank_idempotent_replays_total", "what"), "{{what}}"),
    )
