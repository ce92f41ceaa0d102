"""The log-ins of the demo bank: printed, and stored in a file that only its owner can read."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory

from clients.models import ApiClient
from tests.api import API, anonymous

# A seal is made from a snapshot, outside of any database transaction.
pytestmark = pytest.mark.django_db(transaction=True)


def set_up() -> str:
    output = StringIO()
    call_command("setup_demo", stdout=output)
    return output.getvalue()


def test_the_log_ins_are_kept_for_their_owner(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    printed = set_up()
    kept = tmp_path / "demo_logins.txt"
    if connection.vendor != "sqlite":
        assert not kept.exists()
        return
    assert kept.stat().st_mode & 0o777 == 0o600
    text = kept.read_text()
    assert text in printed
    passwords = re.findall(r"^  (\w+) +(\S+) +(?:superuser|\w+)$", text, re.MULTILINE)
    assert len(passwords) == 7
    for name, password in passwords:
        assert authenticate(RequestFactory().get("/"), username=name, password=password)
    (client_id,) = re.findall(r"^  client_id +(\S+)$", text, re.MULTILINE)
    assert ApiClient.objects.get().client_id == client_id


@pytest.mark.sqlite
def test_a_later_run_says_where_they_are(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    set_up()
    kept = tmp_path / "demo_logins.txt"
    text = kept.read_text()
    again = set_up()
    assert f"These log-ins are kept in {kept}" in again
    assert kept.read_text() == text
    ApiClient.objects.update(client_id="of another bank")
    assert "demo_logins.txt" not in set_up()
    kept.unlink()
    assert "demo_logins.txt" not in set_up()


def test_a_token_is_printed_where_the_bank_is_on_this_machine(
    settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    for printed in (set_up(), set_up()):
        (token,) = re.findall(r"Bearer ([\w-]+)' http://127\.0\.0\.1:\d+/api/v1/accounts/", printed)
        answer = anonymous().get(f"{API}accounts/", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert answer.status_code == 200
    settings.HOST = "0.0.0.0"  # noqa: S104 - as in a container
    assert "Bearer" not in set_up()
