"""A run whose predecessor was killed: the server ends that session a moment later."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from core.files import FileBusy
from core.single_run import single_run

NUMBER = 7064999

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_a_run_waits_for_the_session_of_a_killed_one(tmp_path: Path) -> None:
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [NUMBER])
    session = other.connection
    ending = threading.Timer(0.3, session.close)
    ending.start()
    with single_run(tmp_path / "file", number=NUMBER, busy="busy"):
        ending.join()
        assert session.closed
    other.close()


def test_a_run_waits_as_long_as_the_lock_time_out(tmp_path: Path, settings: Any) -> None:
    settings.LOCK_TIMEOUT_SECONDS = 0.2
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [NUMBER])
        began = time.monotonic()
        with (
            pytest.raises(FileBusy, match="busy"),
            single_run(tmp_path / "file", number=NUMBER, busy="busy"),
        ):
            raise AssertionError
        assert time.monotonic() - began >= 0.2
    finally:
        other.close()
