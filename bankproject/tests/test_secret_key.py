"""The bank creates its own signing key once, and keeps it secret."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from bankproject.secret_key import MINIMUM_CHARACTERS, kept_secret_key

ROOT = Path(__file__).resolve().parent.parent.parent


def test_key_is_made_once_for_the_owner_only(tmp_path):
    path = tmp_path / "new" / "secret_key"
    key = kept_secret_key(path)
    assert len(key) >= MINIMUM_CHARACTERS
    assert kept_secret_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_a_lost_key_is_reported(tmp_path, capsys):
    kept_secret_key(tmp_path / "secret_key")
    assert capsys.readouterr().err == ""
    (tmp_path / "secret_key").unlink()
    (tmp_path / "bank.sqlite3").touch()
    for _start in range(2):
        kept_secret_key(tmp_path / "secret_key")
    assert capsys.readouterr().err == (
        f"Warning: {tmp_path}/secret_key was missing beside a bank. The new key ends all sessions,"
        " and reads no authenticator of staff: put the old file back, or run"
        " `manage.py reset_authenticator` for each.\n"
    )


def test_two_banks_have_two_keys(tmp_path):
    assert kept_secret_key(tmp_path / "one") != kept_secret_key(tmp_path / "two")


def test_processes_that_start_at_once_agree(tmp_path):
    path = tmp_path / "secret_key"
    program = (
        "import sys; from pathlib import Path; from bankproject.secret_key import kept_secret_key;"
        "sys.stdin.read(); print(kept_secret_key(Path(sys.argv[1])))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, path],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        process.stdin.close()
    keys = {process.stdout.read().strip() for process in processes}
    for process in processes:
        assert process.wait(30) == 0
        process.stdout.close()
    assert keys == {path.read_text().strip()}


def test_where_no_file_can_be_it_says_so(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ImproperlyConfigured, match=r"cannot be kept in .*secret_key: File exists"):
        kept_secret_key(tmp_path / "file" / "secret_key")


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 80])
def test_file_without_a_key_is_refused(tmp_path, content):
    path = tmp_path / "secret_key"
    path.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match="holds no secret key"):
        kept_secret_key(path)
    assert path.read_bytes() == content
