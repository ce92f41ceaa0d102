"""The same requests on SQLite and on PostgreSQL give the same responses and the same ledger."""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import sqrt
from typing import Any

import pytest
from django.conf import settings

from tests.concurrency.tally import SCALE
from tests.random_commands import WEIGHTS, Canonical, run_commands
from tests.seed import seeded

COMMANDS = 1_000 * SCALE
TIMEOUT_SECONDS = 300 * SCALE


@contextmanager
def running_on_sqlite(job: dict[str, int]) -> Iterator[subprocess.Popen[str]]:
    """Runs the same job in another process, on its own embedded database."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    program = "import django; django.setup(); import tests.random_commands as it; it.main()"
    with (
        tempfile.TemporaryDirectory(prefix="bank-differential-") as folder,
        subprocess.Popen(
            [sys.executable, "-c", program, json.dumps(job)],
            cwd=settings.BASE_DIR,
            env=environment
            | {
                "BANK_DATA_DIR": folder,
                "DATABASE_URL": "",
                "DJANGO_SETTINGS_MODULE": "bankproject.settings",
            },
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_both_databases_keep_the_same_books(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    # Writing thousands of log lines would take longer than the requests themselves.
    caplog.set_level(logging.ERROR, logger="bank.request")
    job = {"seed": seeded("differential").getrandbits(32), "commands": COMMANDS}
    with running_on_sqlite(job) as process:
        here = run_commands(**job)
        output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    there = json.loads(output)
    assert here["findings"] == there["findings"] == []
    # Compared one by one, so that a failure shows the first difference.
    for name in ("answers", "ledger"):
        assert len(here[name]) == len(there[name])
        for ours, theirs in zip(here[name], there[name], strict=True):
            assert ours == theirs
    statuses = Counter(json.loads(answer)[3] for answer in here["answers"])
    # The run had refusals and successes, and no response was a crash.
    assert {200, 201, 400, 409, 422} <= statuses.keys()
    assert max(statuses) < 500
    # The number of refusals depends on the seed: accounts are closed and frozen at random. Reads of
    # an existing account never fail. Their number is binomial: N * p on average, with a standard
    # deviation below sqrt(N * p). So this fails by chance once in 10^9 runs.
    reads = COMMANDS * WEIGHTS["read"] / sum(WEIGHTS.values())
    assert statuses[200] > reads - 6 * sqrt(reads)
    # Each new account is one more chance for each kind of command to succeed.
    assert here["completed"] == ["DEPOSIT", "TRANSFER", "WITHDRAW"]
    counts = {"requests on two databases alike": len(here["answers"])}
    request.node.user_properties.append(("tally", counts))


def test_names_keep_differences_apart() -> None:
    """Two ids never get one name, and the same id never gets two."""
    one, other = ("019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27", "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b28")
    names: Any = Canonical()
    assert names.text([one, other, one, "12.34"]) == '["id-1", "id-2", "id-1", "12.34"]'
