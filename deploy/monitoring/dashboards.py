"""The dashboards of Grafana, made by code: `python -m deploy.monitoring.dashboards` writes them.

They show what `/metrics` gives. An expression sums over all servers; what is read from the database
is the same on each of them, so its greatest value is taken.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.monitoring.panels import Shown, built, curves, number

FOLDER = Path(__file__).parent / "grafana" / "dashboards"
# Grafana puts a span here that has several scrapes in it.
RATE = "$__rate_interval"
_HEALTH = 'route!~"/api/v1/health/.*"'


def _rate(name: str, by: str = "", where: str = "") -> str:
    grouped = f" by ({by}) " if by else ""
    chosen = f"{{{where}}}" if where else ""
    return f"sum{grouped}(rate({name}{chosen}[{RATE}]))"


def _read(name: str, by: str) -> str:
    """What is read from the database: each server shows the same."""
    return f"max by ({by}) ({name})"


def _quantile(share: float, name: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {_rate(f'{name}_bucket', labels)})"


def _server_errors() -> str:
    errors = _rate("bank_http_requests_total", where=f'status="5xx", {_HEALTH}')
    # Before the first error there is no such series.
    return f"({errors} or vector(0)) / {_rate('bank_http_requests_total', where=_HEALTH)}"


def bank() -> Iterator[Shown]:
    moved = "bank_transactions_total"
    completed = 'status="COMPLETED"'
    yield number(
        "Completed",
        "Transactions completed in the last 24 hours.",
        "short",
        f"sum(increase({moved}{{{completed}}}[24h]))",
    )
    yield number(
        "Failed",
        "Transactions failed in the last 24 hours.",
        "short",
        f'sum(increase({moved}{{status="FAILED"}}[24h]))',
    )
    yield curves(
        "Movements",
        "Completed transactions per second by type.",
        "cps",
        (_rate(moved, "type", completed), "{{type}}"),
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
        "Failed transactions per second by the code of their failure.",
        "cps",
        (_rate(moved, "failure_code", 'status="FAILED"'), "{{failure_code}}"),
    )
    yield curves(
        "Ways",
        "Completed transactions per second by their way: at once, queue, batch, console, job.",
        "cps",
        (_rate(moved, "path", completed), "{{path}}"),
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
        "Approvals",
        "What waits for a second person.",
        "short",
        f"sum({_read('bank_approvals_waiting', 'kind')})",
    )
    yield number(
        "Oldest approval",
        "Age of the oldest that waits for a second person.",
        "s",
        "max(bank_approvals_oldest_age_seconds)",
    )
    yield curves(
        "Balances",
        "Sum of customers' balances by currency, in its main units.",
        "short",
        (_read("bank_customers_balance_amount", "currency"), "{{currency}}"),
        (_read("bank_overdraft_used_amount", "currency"), "overdraft {{currency}}"),
    )
    yield curves(
        "Accounts",
        "Customer accounts by status.",
        "short",
        (_read("bank_accounts", "status"), "{{status}}"),
    )
    yield curves(
        "Repeats",
        "Requests and items per second that got the answer of an earlier one with the same key.",
        "cps",
        (_rate("bank_idempotent_replays_total", "what"), "{{what}}"),
    )


def api() -> Iterator[Shown]:
    requests, duration = "bank_http_requests_total", "bank_http_request_duration_seconds"
    yield number(
        "Server errors",
        "Share of requests that end with 5xx, without checks of health.",
        "percentunit",
        _server_errors(),
    )
    yield number(
        "In flight",
        "Requests being answered now.",
        "short",
        "sum(bank_http_requests_in_flight)",
    )
    yield curves(
        "Requests",
        "Requests per second by class of status.",
        "reqps",
        (_rate(requests, "status"), "{{status}}"),
    )
    yield curves(
        "Duration",
        "Time to the response: half, 95 % and 99 % of the requests were faster.",
        "s",
        *((_quantile(share, duration), f"{share:.0%}") for share in (0.5, 0.95, 0.99)),
    )
    yield curves(
        "Routes",
        "The ten busiest routes, in requests per second.",
        "reqps",
        (f"topk(10, {_rate(requests, 'method, route')})", "{{method}} {{route}}"),
    )
    yield curves(
        "Slow routes",
        "The ten slowest routes: 95 % of their requests were faster.",
        "s",
        (f"topk(10, {_quantile(0.95, duration, 'method, route')})", "{{method}} {{route}}"),
    )
    yield curves(
        "Waits for accounts",
        "Time to lock the accounts of a command: half and 99 % were faster.",
        "s",
        *((_quantile(share, "bank_lock_wait_seconds"), f"{share:.0%}") for share in (0.5, 0.99)),
    )
    yield curves(
        "Retries",
        "Database transactions tried again, per second, by reason.",
        "cps",
        (_rate("bank_contention_retries_total", "reason"), "{{reason}}"),
    )


def queue() -> Iterator[Shown]:
    moved, settling = "bank_transactions_total", "bank_transaction_settling_seconds"
    yield number(
        "Workers",
        "Workers that live, of servers that start their own.",
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
        (_rate(moved, where='status="PENDING"'), "began to wait"),
        (_rate(moved, "status", 'path="queue", status!="PENDING"'), "{{status}}"),
    )
    yield curves(
        "Time to the end",
        "Time of a transaction that waited, from its creation to its end: 50 % and 95 % took less.",
        "s",
        *(
            (
                _quantile(share, settling, "path"),
                f"{{{{path}}}} {share:.0%}",
            )
            for share in (0.5, 0.95)
        ),
    )
    yield curves(
        "Processor",
        "Processors that the workers use.",
        "short",
        (_rate("bank_process_cpu_seconds_total", "instance", 'process="worker"'), "{{instance}}"),
    )
    yield curves(
        "Memory",
        "Resident memory of the workers.",
        "bytes",
        ('sum by (instance) (bank_process_memory_bytes{process="worker"})', "{{instance}}"),
    )


def machine() -> Iterator[Shown]:
    free, size = "bank_data_free_bytes", "bank_data_size_bytes"
    yield number("Servers", "Servers that answer Prometheus.", "short", 'sum(up{job="bank"})')
    yield number(
        "Free room",
        "The least share of free room on a data folder's file system.",
        "percentunit",
        f"min({free} / {size})",
    )
    yield curves(
        "Processor",
        "Processors in use by kind of process.",
        "short",
        (_rate("bank_process_cpu_seconds_total", "process"), "{{process}}"),
    )
    yield curves(
        "Memory",
        "Resident memory by kind of process.",
        "bytes",
        ("sum by (process) (bank_process_memory_bytes)", "{{process}}"),
    )
    yield number(
        "Database",
        "1 if it answers every server, 0 if not.",
        "short",
        "min(bank_database_up)",
    )
    yield number(
        "Standbys",
        "Standbys that receive the log of the database's server.",
        "short",
        "max(bank_database_standbys)",
    )
    yield number(
        "Archived",
        "Time since the end of the last complete archive run.",
        "s",
        "min(bank_archive_age_seconds)",
    )
    yield curves(
        "Connections",
        "Connections to the bank's database by state, and the most of the server.",
        "short",
        (_read("bank_database_connections", "state"), "{{state}}"),
        ("max(bank_database_connections_limit)", "limit"),
    )
    yield curves(
        "Size of the database",
        "On its disk.",
        "bytes",
        ("max(bank_database_size_bytes)", "size"),
    )
    yield curves(
        "Tables",
        "The largest tables with their indexes.",
        "bytes",
        (f"topk(10, {_read('bank_table_size_bytes', 'table')})", "{{table}}"),
    )
    yield curves(
        "Lag of standbys",
        "Of the one furthest behind. Without a standby there is none.",
        "s",
        ("max(bank_database_replication_lag_seconds)", "lag"),
    )
    yield curves(
        "Reading",
        "Time that a server needs to read metrics from the database.",
        "s",
        ("bank_metrics_read_seconds", "{{instance}}"),
    )
    yield curves(
        "Room for data",
        "Free room on the data folder's file system, and its size.",
        "bytes",
        (free, "free on {{instance}}"),
        (size, "size on {{instance}}"),
    )


# The file, the title and the panels of each.
DASHBOARDS = {
    "bank": ("Bank", bank),
    "api": ("API", api),
    "queue": ("Queue and workers", queue),
    "machine": ("Machine and database", machine),
}


def made(name: str) -> str:
    """The JSON of a dashboard, as Grafana reads it."""
    title, panels = DASHBOARDS[name]
    board = (
        dashboard.Dashboard(title)
        .uid(f"bank-{name}")
        .tags(["bank"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .readonly()
    )
    shown = list(panels())
    for title, is_number in (("Now", True), ("Over time", False)):
        board.with_row(dashboard.Row(title))
        for panel in shown:
            if panel.is_number is is_number:
                board.with_panel(built(panel).id(shown.index(panel) + 1))
    return json.dumps(board.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(made(name), "utf-8")


if __name__ == "__main__":
    main()
