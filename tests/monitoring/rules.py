"""What deploy/monitoring says: the rules, the names in their expressions, and promtool."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bankproject.metrics.database import DESCRIBED
from core.metrics.exposition import rendered
from tests.conftest import NO_PROMETHEUS
from tests.monitoring.files import MONITORING

TOKEN_FILE = "/run/secrets/bank_metrics_token"

needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason=f"{NO_PROMETHEUS}: it is not installed",
)

_NAME = re.compile(r"\bbank_[a-z0-9_]+")


def names_in(expression: str) -> set[str]:
    """The names of the bank's metrics in an expression, without the endings of a histogram."""
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in _NAME.findall(expression)}


def shown_names() -> set[str]:
    """The names of all metrics of the bank, whether they have values or not."""
    counted = {
        name
        for family in text_string_to_metric_families(rendered("")[0].decode())
        for name in (family.name, f"{family.name}_total")
    }
    return counted | set(DESCRIBED)


def promtool(*words: str, folder: Path = MONITORING, said: str = "") -> str:
    """Its output after this input; fails the test if it finds a fault."""
    program = shutil.which("promtool")
    assert program
    done = subprocess.run(
        [program, *words],
        cwd=folder,
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
