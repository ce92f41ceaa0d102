"""Failpoints: off by default, never in production, and only known names."""

import ast
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from core.failpoints import FAILPOINTS, FailpointReached, arm, failpoint, require_disarmed
from tests.__main__ import PACKAGES


@pytest.fixture(autouse=True)
def _disarmed_afterwards():
    yield
    arm("")


def _points_in_the_code() -> Counter[str]:
    paths = [path for name in PACKAGES for path in (settings.BASE_DIR / name).rglob("*.py")]
    return Counter(
        ast.literal_eval(node.args[0])
        for path in paths
        if "tests" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoint"
    )


def test_each_listed_point_is_passed_at_one_place_of_the_code() -> None:
    assert _points_in_the_code() == Counter(FAILPOINTS)


def test_a_point_that_is_not_armed_does_nothing() -> None:
    arm("post.settled=raise")
    for name in FAILPOINTS:
        if name != "post.settled":
            failpoint(name)


def test_an_armed_point_fires_once() -> None:
    arm("post.settled=raise, accept.read=raise")
    with pytest.raises(FailpointReached, match=r"post\.settled"):
        failpoint("post.settled")
    failpoint("post.settled")
    with pytest.raises(FailpointReached, match=r"accept\.read"):
        failpoint("accept.read")


def test_with_fuses_a_point_fires_as_often_as_its_file_is_there(tmp_path: Path) -> None:
    arm("post.settled=raise", fuses=str(tmp_path))
    failpoint("post.settled")
    for _ in range(2):
        (tmp_path / "post.settled").touch()
        with pytest.raises(FailpointReached):
            failpoint("post.settled")
        assert list(tmp_path.iterdir()) == []
        failpoint("post.settled")


@pytest.mark.parametrize(
    "text", ["post.settled", "post.settled=", "post.settled=explode", "nowhere=kill", "=kill"]
)
def test_a_misspelt_point_stops_the_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="BANK_FAILPOINTS"):
        arm(text)


def test_production_refuses_an_armed_point() -> None:
    require_disarmed()
    environment = {
        "BANK_FAILPOINTS": "post.settled=kill",
        "BANK_PRODUCTION": "true",
        "DJANGO_SECRET_KEY": "0123456789" * 6,
        "DJANGO_ALLOWED_HOSTS": "bank.example",
        "DATABASE_URL": "postgresql://bank@127.0.0.1/bank",
    }
    started = subprocess.run(
        [sys.executable, "-c", "import bankproject.settings"],
        env=os.environ | environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 1
    assert started.stderr.splitlines()[-1].endswith(
        "Not fit for production: BANK_FAILPOINTS must not be set."
    )
