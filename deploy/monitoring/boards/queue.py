"""The dashboard of the queue and its workers."""

from collections.abc import Iterator

from deploy.monitoring.boards.expressions import quantile, rate
from deploy.monitoring.panels import Shown, curves, number


def panels() -> Iterator[Shown]:
    moved, settling = "bank_transactions_total", "bank_transaction_settling_seconds"
    yield number(
        "Workers",
        "Workers that live, in servers and in containers of their own.",
        "short",
        "sum(bank_queue_workers)",
    )
    yield number(
        "Waiting",
        "Due transactions, 10,000 at most.",
        "short",
        "max(bank_queue_transactions)",
    )
    yield number(
        "Oldest",
        "How long the oldest due transaction has waited.",
        "s",
        "max(bank_queue_oldest_age_seconds)",
    )
    yield number(
        "Webhooks that fail",
        "Webhooks that are on, and whose last attempt failed.",
        "short",
        'max(bank_webhooks{state="failing"})',
    )
    yield number(
        "Webhooks off",
        "Webhooks that the bank or somebody has switched off.",
        "short",
        'max(bank_webhooks{state="off"})',
    )
    yield number(
        "Oldest delivery",
        "Age of the oldest delivery that waits at a webhook that is on.",
        "s",
        "max(bank_webhook_oldest_waiting_age_seconds)",
    )
    yield curves(
        "Queue",
        "Due transactions over time.",
        "short",
        ("max(bank_queue_transactions)", "due"),
    )
    yield curves(
        "In and out",
        "Transactions per second that began to wait, and that the queue has ended.",
        "cps",
        (rate(moved, where='status="PENDING"'), "began to wait"),
        (rate(moved, "status", 'path="queue", status!="PENDING"'), "{{status}}"),
    )
    yield curves(
        "Time to the end",
        "Time of a transaction that waited, from its creation to its end: 50 % and 95 % took less.",
        "s",
        *(
            (
                quantile(share, settling, "path"),
                f"{{{{path}}}} {share:.0%}",
            )
            for share in (0.5, 0.95)
        ),
    )
    yield curves(
        "Messages to webhooks",
        "Messages per second, and deliveries that wait, 10,000 at most.",
        "short",
        (rate("bank_webhook_attempts_total", "outcome"), "{{outcome}}"),
        ("max(bank_webhook_deliveries_waiting)", "wait"),
    )
    yield curves(
        "Answers of webhooks",
        "Time of a message to a webhook: 50 % and 95 % took less.",
        "s",
        *(
            (quantile(share, "bank_webhook_attempt_seconds"), f"{share:.0%}")
            for share in (0.5, 0.95)
        ),
    )
    yield curves(
        "Processor",
        "Processors that the workers use.",
        "short",
        (rate("bank_process_cpu_seconds_total", "instance", 'process="worker"'), "{{instance}}"),
    )
    yield curves(
        "Memory",
        "Resident memory of the workers.",
        "bytes",
        ('sum by (instance) (bank_process_memory_bytes{process="worker"})', "{{instance}}"),
    )
