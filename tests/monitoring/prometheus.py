"""A real Prometheus with the committed configuration.

For tests it is in a hurry: it waits seconds, not minutes.
"""

import json
import math
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.http import free_port, get
from tests.monitoring.files import MONITORING, RULES

PATIENCE_SECONDS = 60
STOP_SECONDS = 30


class Prometheus:
    """Asked by its HTTP API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def values(self, expression: str) -> list[float]:
        """The values of an expression now. Fails the test if Prometheus finds an error in it."""
        query = urllib.parse.urlencode({"query": expression})
        status, text = get(f"{self.url}/api/v1/query?{query}")
        assert status == 200, f"{expression}: {text}"
        found = json.loads(text)["data"]
        assert found["resultType"] == "vector", expression
        return [float(one["value"][1]) for one in found["result"]]

    def without_value(self, expressions: Collection[str]) -> set[str]:
        """Those of the expressions that have no value now."""
        return {one for one in expressions if all(map(math.isnan, self.values(one)))}

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        status, text = get(f"{self.url}/api/v1/alerts")
        assert status == 200, text
        alerts: list[Any] = json.loads(text)["data"]["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}


def eventually(is_true: Callable[[], bool], what: str) -> None:
    """Waits until it is so, and fails the test with `what` if it takes too long."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < until, what
        time.sleep(0.1)


@contextmanager
def prometheus(
    folder: Path, targets: Mapping[str, str], token: str, *, hurried: bool = True
) -> Iterator[Prometheus]:
    """Scrapes each of `targets` ("host:port", by its service) until the end of the block."""
    address = f"127.0.0.1:{free_port()}"
    _write_configuration(folder, targets, token, address, hurried=hurried)
    program = shutil.which("prometheus")
    assert program
    log = folder / "log"
    words = [
        program,
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address={address}",
    ]
    with (
        log.open("w") as output,
        subprocess.Popen(words, cwd=folder, stdout=output, stderr=output) as process,
    ):
        try:
            eventually(lambda: _is_ready(process, address), "Prometheus does not start")
            yield Prometheus(f"http://{address}")
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _is_ready(process: subprocess.Popen[bytes], address: str) -> bool:
    assert process.poll() is None, "Prometheus has ended"
    try:
        return get(f"http://{address}/-/ready")[0] == 200
    except OSError:
        return False


def _write_configuration(
    folder: Path, targets: Mapping[str, str], token: str, own_address: str, *, hurried: bool
) -> None:
    """The committed one, but with other addresses and token's file, and short waits in a hurry.

    The targets come with the names that the DNS of compose would give, and all labels from those.
    """
    (folder / "token").write_text(token)
    configuration = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
    if hurried:
        # A busy machine needs its time for an answer.
        configuration["global"] |= {"scrape_interval": "2s", "scrape_timeout": "2s"}
        configuration["global"]["evaluation_interval"] = "1s"
    bank, own = configuration["scrape_configs"]
    bank["authorization"]["credentials_file"] = "token"
    names = [name for sought in bank.pop("dns_sd_configs") for name in sought["names"]]
    assert targets.keys() <= set(names)
    bank["static_configs"] = [
        {"targets": [target], "labels": {"__meta_dns_name": name}}
        for name, target in targets.items()
    ]
    own["static_configs"] = [{"targets": [own_address]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    rules = yaml.safe_load(RULES.read_text("utf-8"))
    if hurried:
        for group in rules["groups"]:
            for rule in group["rules"]:
                _hurry(rule)
    (folder / "rules").mkdir()
    (folder / "rules" / RULES.name).write_text(yaml.safe_dump(rules))


# What takes minutes by the committed expression.
_SHORTER = {
    "BankQueueBehind": (" > 300", " > 3"),
    "BankContentionRetries": ("[5m]", "[20s]"),
    "BankReplicaBehind": (" > 30", " > 3"),
}


def _hurry(rule: dict[str, Any]) -> None:
    rule["for"] = "2s"
    if rule["alert"] in _SHORTER:
        slow, fast = _SHORTER[rule["alert"]]
        assert slow in rule["expr"]
        rule["expr"] = rule["expr"].replace(slow, fast)
