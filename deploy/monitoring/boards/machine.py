"""The dashboard of the machine and the database."""

from collections.abc import Iterator

from deploy.monitoring.boards.expressions import rate, read
from deploy.monitoring.panels import Shown, curves, number


def panels() -> Iterator[Shown]:
    free, size = "bank_data_free_bytes", "bank_data_size_bytes"
    yield number(
        "Processes",
        "Web servers and separate workers that answer Prometheus.",
        "short",
        'sum(up{job="bank"})',
    )
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
        (rate("bank_process_cpu_seconds_total", "process"), "{{process}}"),
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
        "Standbys that apply the log of the database's server.",
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
        (read("bank_database_connections", "state"), "{{state}}"),
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
        (f"topk(10, {read('bank_table_size_bytes', 'table')})", "{{table}}"),
    )
    yield curves(
        "Lag of standbys",
        "Of the one furthest behind. Without a standby there is none.",
        "s",
        ("max(bank_database_replication_lag_seconds)", "lag"),
    )
    yield curves(
        "Reads for the replica",
        "By what became of them: all but `replica` came to the primary.",
        "reqps",
        (rate("bank_replica_reads_total", "outcome"), "{{outcome}}"),
    )
    yield curves(
        "Lag of the replica",
        "As a server of the bank sees it. Without BANK_REPLICA_URL there is none.",
        "s",
        ("max(bank_replica_lag_seconds)", "lag"),
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
