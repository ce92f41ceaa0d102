"""The length of a transfer's path through the code, from the view's call to the last UPDATE.

A reader follows each call. The path is the sequence of the project's files whose functions are
called. A file counts once. A return is a call into a file that the path has left before.
Comprehensions do not count as calls, nor failpoints, which do nothing outside the crash suite.
"""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.db import connection

from tests.api import API, staff
from tests.factories import make_account
from tests.gathering import gathered

ROOT = Path(__file__).resolve().parent.parent
START = ("transactions/ledger/processor.py", "process")
LAST = ("transactions/ledger/writer.py", "_balances")
# PostgreSQL has two more: a place in the bulkhead, and prepared cursors.
MOST = {"sqlite": (15, 9), "postgresql": (17, 12)}

pytestmark = pytest.mark.django_db


def calls_of(run: Callable[[], Any]) -> list[tuple[str, str]]:
    """File and function of each call into the project while `run` runs."""
    calls: list[tuple[str, str]] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        name = frame.f_code.co_name
        if event != "call" or not path.is_relative_to(ROOT) or name.startswith("<"):
            return
        within = path.relative_to(ROOT)
        if within.parts[0] not in (".venv", "tests") and within.name != "failpoints.py":
            calls.append((within.as_posix(), name))

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return calls


def files_and_returns(calls: list[tuple[str, str]]) -> tuple[list[str], int]:
    path: list[str] = []
    for file, _ in calls:
        if not path or path[-1] != file:
            path.append(file)
    files = list(dict.fromkeys(path))
    return files, len(path) - len(files)


@pytest.mark.parametrize("gathers", [False, True])
@pytest.mark.django_db(transaction=True)
def test_a_transfer_passes_few_files(gathers: bool) -> None:
    source, target = make_account(balance=5), make_account()
    client = staff("teller")
    body = {"amount": "1.00", "target_account_id": str(target.id)}

    def transfer() -> None:
        response = client.post(f"{API}accounts/{source.id}/transfer/", body, format="json")
        assert response.status_code == 200

    transfer()  # The first run creates what each process creates once.
    with gathered() if gathers else nullcontext():
        calls = calls_of(transfer)
    first = calls.index(START)
    last = max(index for index, call in enumerate(calls) if call == LAST)
    files, returns = files_and_returns(calls[first : last + 1])
    most_files, most_returns = MOST[connection.vendor]
    # A lone one asks whether it may gather, and is then on the usual way.
    assert len(files) <= most_files + 3 * gathers, files
    assert returns <= most_returns + 4 * gathers, files
    assert not [file for file in files if "reverse" in file or "batch" in file or "queue" in file]
