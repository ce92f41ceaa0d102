"""If a database or folder is unusable, every command prints one sentence and exits with 1."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.core.management import get_commands
from django.db import NotSupportedError, connection

from bankproject.secret_key import kept_secret_key
from bankproject.tests.test_wrong_settings import ROOT, Start, require_one_sentence, start_all
from core.apps import OLDEST_POSTGRESQL
from core.failures import sentence_of
from legacy_import.files import ACCOUNT_COLUMNS, MOVEMENT_COLUMNS
from tests.__main__ import PACKAGES
from tests.scratch import plain_parameters

UUID = "00000000-0000-7000-8000-000000000000"
# With the arguments that each command needs to reach the database.
COMMANDS = {
    "archive_transactions": "",
    "clear_expired": "",
    "create_api_client": "Name --user ada",
    "disable_api_client": "x",
    "encrypt_authenticators": "",
    "export_data": "",
    "export_lake": "",
    "flush": "--no-input",
    "forget_customer": "1 --reason x",
    "import_data": "{folder}",
    "issue_statements": "",
    "migrate": "--verbosity=0",
    "post_batch": "{folder}/batch.csv",
    "process_transactions": "--once",
    "query": "trial_balance",
    "reset_authenticator": "ada",
    "retry_failed": "",
    "reverse_transactions": f"{UUID} --reason x",
    "run_job": "seal_ledger",
    "seal_ledger": "",
    "serve": "",
    "setup_demo": "",
    "summarise_days": "",
    "verify_archive": "",
    "verify_ledger": "--no-record",
    # Django's own commands that the documentation names.
    "check": "--database default",
    "createsuperuser": "--no-input --username x --email x@example.com",
    "showmigrations": "",
    "clearsessions": "",
}
# This one waits for a missing server, and reports it after 20 seconds.
WAITING = "process_transactions"
# It works on files; test_move_bank_aside.py tests its errors.
WITHOUT_A_DATABASE = {"move_bank_aside"}
# These are made for an empty bank; Django's createsuperuser prints more about it.
GOOD_WHEN_EMPTY = {"migrate", "showmigrations", "createsuperuser"}
ABOUT_OTHERS = {"check"}  # It prints a list of all findings instead.
LACKS_RIGHTS = r"^The role \w+ lacks rights in the database: SELECT on \w+ and \d+ more\. Run "
DOWN = {"DATABASE_URL": "postgresql://bank:s3cret@127.0.0.1:1/bank"}


def lines_of(folder: Path, leaving_out: set[str]) -> list[str]:
    folder.mkdir(exist_ok=True)
    (folder / "batch.csv").write_text(
        f"type,account_id,amount,idempotency_key\nDEPOSIT,{UUID},1.00,a\n"
    )
    # Files of the earlier system, with their headers only.
    (folder / "accounts.csv").write_text(f"{','.join(ACCOUNT_COLUMNS)}\n")
    (folder / "transactions.csv").write_text(f"{','.join(MOVEMENT_COLUMNS)}\n")
    return [
        f"{name} {words.format(folder=folder)}".strip()
        for name, words in COMMANDS.items()
        if name not in leaving_out
    ]


def require_sentences(
    folder: Path,
    lines: list[str],
    said: str,
    variables: dict[str, str] | None = None,
    launcher: Sequence[str] = (),
) -> None:
    all_starts: list[Start] = [(line, {}) for line in lines]
    answers = start_all(folder, all_starts, loaded=variables or {}, launcher=launcher)
    for start, (code, output) in zip(all_starts, answers, strict=True):
        if start[0].startswith("flush"):
            assert "never flushed" in output
            continue
        require_one_sentence(code, output, start)
        assert re.search(said, output), (start, output)
        assert "s3cret" not in output


def test_no_command_is_left_out() -> None:
    own = {name for name, app in get_commands().items() if str(app).partition(".")[0] in PACKAGES}
    assert own - WITHOUT_A_DATABASE <= COMMANDS.keys()


def test_a_server_that_is_down_is_one_sentence(tmp_path: Path) -> None:
    lines = lines_of(tmp_path / "in", {WAITING})
    require_sentences(tmp_path / "data", lines, "does not answer: .*refused", DOWN)


def test_an_empty_database_is_one_sentence(tmp_path: Path) -> None:
    lines = lines_of(tmp_path / "in", {WAITING} | GOOD_WHEN_EMPTY | ABOUT_OTHERS)
    require_sentences(tmp_path / "data", lines, "not migrated|lacks")


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    kept_secret_key(folder / "secret_key")
    (folder / "bank.sqlite3").write_bytes(b"no database at all" * 100)
    require_sentences(folder, lines_of(tmp_path / "in", {WAITING}), "not a database")


def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "bank.sqlite3").mkdir(parents=True)
    require_sentences(folder, ["migrate", "setup_demo", "serve", "retry_failed"], "does not answer")


@pytest.mark.postgresql
def test_a_user_that_the_server_refuses_is_one_sentence(tmp_path: Path) -> None:
    known = connection.get_connection_params()
    query = f"host={known['host']}&port={known.get('port', 5432)}"
    url = {"DATABASE_URL": f"postgresql://nobody_at_all:s3cret@/postgres?{query}"}
    lines = lines_of(tmp_path / "in", {WAITING})
    require_sentences(tmp_path / "data", lines, "nobody_at_all", url)


@pytest.fixture
def powerless() -> Iterator[dict[str, str]]:
    """The URL of the migrated database for a role without any right."""
    known = plain_parameters()
    role = f"powerless_{uuid4().hex}"  # A role belongs to the server, not to the database.
    with psycopg.connect(**known, autocommit=True) as server:
        server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 's3cret'")
        try:
            yield {
                "DATABASE_URL": f"postgresql://{role}:s3cret@/{known['dbname']}"
                f"?host={known['host']}&port={known.get('port', 5432)}",
                # Statements wait for what other tests do on the server.
                "BANK_LOCK_TIMEOUT_SECONDS": "20",
            }
        finally:
            server.execute(f"DROP ROLE {role}")


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_role_without_rights_is_one_sentence(tmp_path: Path, powerless: dict[str, str]) -> None:
    lines = lines_of(tmp_path / "in", {WAITING, "serve", "flush"} | ABOUT_OTHERS)
    require_sentences(tmp_path / "data", lines, "permission denied|role powerless", powerless)
    require_sentences(tmp_path / "data", ["serve"], LACKS_RIGHTS, powerless)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_wrong_password_is_one_sentence(tmp_path: Path, powerless: dict[str, str]) -> None:
    url = {"DATABASE_URL": powerless["DATABASE_URL"].replace("s3cret", "s3cret2")}
    lines = lines_of(tmp_path / "in", {WAITING, "flush"})
    refused = "The database .*password authentication failed"
    require_sentences(tmp_path / "data", lines, refused, url)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_server_that_is_too_old_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server as old as the refused ones runs here, so the bank requires a newer one instead."""
    assert connection.features.minimum_database_version == OLDEST_POSTGRESQL
    monkeypatch.setattr(type(connection.features), "minimum_database_version", (99,))
    with pytest.raises(NotSupportedError) as caught:
        connection.check_database_version_supported()
    assert re.fullmatch(
        r"The database cannot be used: PostgreSQL 99 or later is required \(found [\d.]+\)\.",
        sentence_of(caught.value) or "",
    )


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("words", [[WAITING, "--once"], ["wsgi"]])
def test_processes_that_wait_for_rights_report_it_in_the_end(
    tmp_path: Path, powerless: dict[str, str], words: list[str]
) -> None:
    """Workers of the queue and of gunicorn wait first: `migrate` may be about to grant rights."""
    require_sentences(tmp_path, [" ".join(words)], LACKS_RIGHTS, powerless)


@pytest.mark.parametrize(
    ("arguments", "variables", "fault"),
    [
        (["deploy/backups.py", "backup", "{folder}"], {"BANK_DATADIR": "x"}, "BANK_DATA_DIR meant"),
        (["deploy/backups.py", "backup", "{folder}"], {}, "There is no bank at"),
        (["deploy/backups.py", "backup", "{file}"], {}, "There is no folder"),
        (["deploy/backups.py", "backup", "{folder}"], DOWN, "pg_dump"),
        (["deploy/migrate.py"], {"BANK_LOG_LEVEL": "LOUD"}, "BANK_LOG_LEVEL must be one of"),
        (["deploy/migrate.py"], DOWN, "The database does not answer"),
        (["deploy/healthcheck.py"], {"PORT": "abc"}, "not ready: "),
        (["deploy/healthcheck.py"], {"DJANGO_ALLOWED_HOSTS": "a\x07\nb"}, "not ready: "),
        (["deploy/healthcheck.py"], {"PORT": "1"}, "not ready: "),
    ],
)
def test_programs_of_the_deployment_say_it_in_one_sentence(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], fault: str
) -> None:
    file, folder = tmp_path / "file", tmp_path / "backups"
    folder.mkdir()
    file.touch()
    words = [word.format(file=file, folder=folder) for word in arguments]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=kept | {"BANK_DATA_DIR": str(tmp_path)} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    if "pg_dump" not in fault:  # pg_dump itself prints why it cannot connect.
        assert done.stderr.count("\n") == 1


def test_the_traceback_is_there_for_who_asks(tmp_path: Path) -> None:
    ((code, output),) = start_all(tmp_path, [("setup_demo --traceback", {})], loaded=DOWN)
    assert code == 1
    assert output.startswith("Traceback ")
    assert "OperationalError" in output
