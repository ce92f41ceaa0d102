"""A well-known floor: TPC-B by pgbench, on the same server."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.measure import Moved, Slice
from benchmarks.target import CannotMeasure, Target

_DATABASE = "pgbench"
_PROCESSED = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


def tpc_b(target: Target, seconds: float, *, clients: int) -> Slice:
    """Prepared statements, for whole seconds. The time to connect does not count.

    Raises CannotMeasure if pgbench is not installed.
    """
    _initialise(target)
    threads = min(clients, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory(prefix="bank-pgbench-") as folder:
        printed = _pgbench(
            target,
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={clients}",
            f"--jobs={threads}",
            f"--time={max(1, round(seconds))}",
            "--log",
            f"--log-prefix={folder}/log",
        )
        latencies = _latencies(Path(folder))
    transactions = _number(_PROCESSED, printed)
    if transactions != len(latencies) or _number(_FAILED, printed):
        raise RuntimeError(f"pgbench failed:\n{printed}")
    elapsed = transactions / _number(_RATE, printed)
    return Slice(
        transactions=int(transactions), latencies=latencies, seconds=elapsed, moved=Moved()
    )


def _initialise(target: Target) -> None:
    """Creates pgbench's own database, once."""
    with psycopg.connect(target.database_url, autocommit=True) as connection:
        query = "SELECT FROM pg_database WHERE datname = %s"
        if connection.execute(query, [_DATABASE]).fetchone() is None:
            _require_pgbench(target)
            connection.execute(f"CREATE DATABASE {_DATABASE}")
            _pgbench(target, "--initialize", "--quiet", f"--scale={target.pgbench_scale}")
            connection.execute("CHECKPOINT")


def _require_pgbench(target: Target) -> Path:
    assert target.postgresql_bindir is not None
    program = target.postgresql_bindir / "pgbench"
    if not os.access(program, os.X_OK):
        raise CannotMeasure(f"There is no pgbench in {target.postgresql_bindir}.")
    return program


def _pgbench(target: Target, *options: str) -> str:
    server = conninfo_to_dict(target.database_url)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {
        f"PG{name}": str(server[key])
        for name, key in (
            ("HOST", "host"), ("PORT", "port"), ("USER", "user"), ("PASSWORD", "password"),
        )
    }  # fmt: skip
    answer = subprocess.run(
        [_require_pgbench(target), *options, _DATABASE],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise RuntimeError(f"pgbench failed:\n{answer.stdout}{answer.stderr}")
    return answer.stdout


def _latencies(folder: Path) -> list[float]:
    """Seconds of each transaction: the third column of pgbench's logs, in microseconds."""
    return [
        int(line.split()[2]) / 1_000_000
        for log in folder.iterdir()
        for line in log.read_text().splitlines()
    ]


def _number(pattern: re.Pattern[str], printed: str) -> float:
    match = pattern.search(printed)
    if match is None:
        raise RuntimeError(f"pgbench printed something else:\n{printed}")
    return float(match[1])
