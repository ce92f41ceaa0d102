"""Every shell block of the documents is run as written, or this file says why not.

The commands of docs/operations.md run in a folder like /srv/bank, by /bin/sh, without the caller's
environment, as the roles that their URLs name. Passwords, hosts and folders are the test's own.
"""

import re
import secrets
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests import image
from tests.http import free_port, get
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.shown_examples import PAGES

# This module has its own server, so one run of the suite is enough.
pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parent.parent
OPERATIONS = "docs/operations.md"
TOUR = "docs/tour.md"
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}\S.*\n)+")
_LANGUAGES = ("bash", "sh", "cron", "console", "sql")
# What an indented block of commands begins with. Other ones are drawings.
_COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*(?:make|python3?|\.venv/bin/\S+|docker|curl|psql|git) ")
_SERVE = ".venv/bin/python manage.py serve\n"

# Blocks with these words, and why they are not run.
NOT_RUN_HERE = {
    "\nmake run\n": "tests of a bare Debian, `make test-bare`, run both commands of the README",
    "\nmake test\n": "this is it",
    "\nmake bench ": "takes the machine for itself; tests/test_documented_make.py reads its words",
    "\nmake soak ": "takes hours; tests/test_documented_make.py reads its words",
    "FOR NO KEY UPDATE": "the shape of what the bank itself sends",
    'create_api_client "Back office"': "tests/shown_examples.py makes its client by this command",
    "docker compose up --build\n": "needs an engine; tests/test_compose.py runs the steps",
    "docker compose up --build -d": "needs an engine; tests/test_compose.py runs the steps",
    "docker compose exec -T db pg_dump": "needs an engine; tests/test_compose.py runs pg_dump",
    "docker compose stop proxy": "needs an engine; tests/test_compose.py runs restore.sh",
    "docker compose --profile ha": "needs an engine; tests/test_containers.py reads the services",
    "\nmake test-ha ": "takes a minute; a step of CI",
    "etcd-server python3-venv": "changes the machine; tests/ha starts the same files",
    "10.0.0.3/bank": "needs a cluster; tests/ha migrates by the same command",
    "archive_wal.sh /etc/bank": "restarts the server; tests/ha archives with the same script",
    "recovery.signal": "tests/ha/restore.py restores so",
    "patronictl": "needs a cluster; tests/ha runs a switchover",
    "etcdctl member": "needs a cluster that has lost a disk",
    "docker buildx": "asks the registry of images",
    "kubectl": "needs a cluster; tests/test_containers.py reads the manifests",
    "openapi-python-client generate": "tests/test_generated_clients.py runs it",
    "npm run generate": "tests/test_generated_clients.py runs it",
    "paste-the-client-secret-here": "tests/test_generated_clients.py sets these",
    "verify_proof.py proof.json": "seals/tests/test_verify_proof.py runs the program by itself",
    "seal_ledger --new-key": "seals/tests/test_sealing.py runs both",
    "create_api_client Airflow": "tests/airflow makes its client by this command",
    "/opt/airflow/bin/pip": "`make test-airflow` installs the same pins, and runs the same files",
    "run_job verify_ledger": "jobs/tests/test_run_job.py runs them",
    "export_lake --verify": "analytics/tests/test_lake.py runs them",
    "manage.py query ": "analytics/tests/test_queries.py compares the answers",
    "/api/v1/webhooks/ -H": "webhooks/tests/test_api.py makes them",
    "issue_statements --period": "statements/tests/test_issue_statements.py runs them",
    "/verify/": "statements/tests/test_checking.py asks with the code of a statement of its own",
    "import_data data --later take": "tests/test_lost_database.py loses a database",
    "import_data /backups": "files of the example; tests of transactions.imports load others",
}


@dataclass(frozen=True, slots=True)
class Block:
    document: str
    language: str
    text: str

    @property
    def reason(self) -> str:
        return next((why for words, why in NOT_RUN_HERE.items() if self.has(words)), "")

    def has(self, words: str) -> bool:
        return words in f"\n{self.text}"


def blocks() -> list[Block]:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        Block(str(path.relative_to(ROOT)), language, text)
        for path in documents
        for language, text in _blocks_of(path.read_text("utf-8"))
        # tests/test_readme.py runs those, and compares the responses.
        if language != "bash" or path not in PAGES
    ]


def _blocks_of(page: str) -> Iterator[tuple[str, str]]:
    """Language and text of each block of commands, fenced or indented."""
    for language, text in _FENCED.findall(page):
        if language in _LANGUAGES:
            yield language, text
    for text in _INDENTED.findall(_FENCED.sub("", page)):
        if _COMMAND.match(text.strip()):
            yield "indented", textwrap.dedent(text)


def test_each_block_is_run_or_says_why_not() -> None:
    found = blocks()
    used = {words for block in found for words in NOT_RUN_HERE if block.has(words)}
    assert used == set(NOT_RUN_HERE)
    run = [block for block in found if not block.reason]
    assert {block.document for block in run} == {OPERATIONS, TOUR}
    assert len(run) == 12
    assert {block.language for block in found} == {
        "sh",
        "bash",
        "cron",
        "console",
        "sql",
        "indented",
    }


class Machine:
    """An operator's /srv/bank, /srv/backups and /srv/export, and the servers `db` and `spare`."""

    def __init__(self, srv: Path, server: PostgresqlServer) -> None:
        self.srv = srv
        self.server = server
        self.passwords = {"OWNER_PASSWORD": secrets.token_hex(8), "APP_PASSWORD": "a" * 16}
        parameters = conninfo_to_dict(server.url)
        self.address = f"{parameters['host']}:{parameters['port']}"
        self.port = free_port()
        self.environment = {
            "HOME": str(srv),
            "PATH": f"{server.bindir}:/usr/bin:/bin",
            "PGPORT": str(parameters["port"]),
            "PGPASSWORD": str(parameters["password"]),
            "PORT": str(self.port),
        }
        self.superuser = str(parameters["user"])
        bank = srv / "bank"
        bank.mkdir()
        image.copy_context(bank)
        (bank / ".venv").symlink_to(ROOT / ".venv")
        pgpass = f"*:*:*:bank_owner:{self.passwords['OWNER_PASSWORD']}\n"
        (srv / ".pgpass").write_text(pgpass)
        (srv / ".pgpass").chmod(0o600)

    def here(self, text: str) -> str:
        """The page's text, adapted to this machine."""
        for name, password in self.passwords.items():
            text = text.replace(name, password)
        text = re.sub(r"@(db|spare):5432", f"@{self.address}", text)
        text = text.replace("-h db -U postgres", f"-h {self.address.split(':')[0]} -d postgres")
        return text.replace("/srv/", f"{self.srv}/")

    def run(self, text: str, **variables: str) -> str:
        environment = self.environment | {"PGUSER": self.superuser} | variables
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", self.here(text)],
            cwd=self.srv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}"
        return done.stdout

    def run_cron(self, text: str) -> None:
        """Runs each line as cron does: from the home folder, with little in the environment."""
        for line in text.splitlines():
            command = line.split(maxsplit=5)[5]
            assert "%" not in command
            self.run(command, PGPASSWORD="", PGUSER="")

    def serve(self) -> None:
        """Runs `serve` until it is ready, and stops it."""
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {_SERVE}"],
            cwd=self.srv / "bank",
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 120
            while get(f"http://127.0.0.1:{self.port}/api/v1/health/ready/")[0] != 200:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def psql(self, text: str) -> str:
        """Runs it in the bank's database as the user postgres, and stops at the first error."""
        where = {"PGHOST": self.address.split(":")[0], "PGDATABASE": "bank"}
        return self.run(f"psql -X -v ON_ERROR_STOP=1 <<'END'\n{text}END\n", **where)

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.server._url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


# The settings of a bank that is about to go live.
PRODUCTION = {
    "DJANGO_ALLOWED_HOSTS": "bank.example.com",
    "DJANGO_CSRF_TRUSTED_ORIGINS": "https://bank.example.com",
}


def _block(words: str) -> str:
    (found,) = (block.text for block in blocks() if words in block.text and not block.reason)
    return found


def test_an_operator_does_what_the_page_says(tmp_path: Path) -> None:
    """In the order of a bank's life. A step that needs a database gets a new one."""
    with postgresql_server(fsync=False) as server:
        if not (server.bindir / "psql").exists():
            pytest.skip("this PostgreSQL comes without psql")
        machine = Machine(tmp_path, server)
        machine.sql("DROP DATABASE bank")
        restore = _block("backups.py restore")
        roles = restore[: restore.index("export ")]
        machine.run(roles)

        # First tried out on SQLite, then moved; the key is that of the old bank.
        machine.run("cd /srv/bank && .venv/bin/python manage.py migrate")
        machine.run("cd /srv/bank && .venv/bin/python manage.py setup_demo")
        (tmp_path / "bank" / "data").rename(tmp_path / "sqlite")
        (tmp_path / "bank" / "data").symlink_to(tmp_path / "sqlite")
        machine.run(_block("import_data /srv/export"))

        install = _block("deploy/migrate.py\n.venv/bin/python manage.py serve")
        assert install.endswith(_SERVE)
        machine.run(install.removesuffix(_SERVE))
        assert (tmp_path / "bank" / ".env").stat().st_mode & 0o777 == 0o600
        machine.serve()
        drill = _block("backups.py drill")
        machine.run(next(line for line in drill.splitlines() if line.startswith("install -d")))
        for block in blocks():
            if block.language == "cron":
                machine.run_cron(block.text)

        statements = [block for block in blocks() if block.language == "sql" and not block.reason]
        printed = [machine.psql(block.text) for block in statements]
        assert [text.split()[0] for text in printed] == ["pid", "ALTER"]

        machine.sql("CREATE DATABASE bank_drill OWNER bank_owner")
        assert "Drill passed" in machine.run(_block("backups.py drill"))
        dump = max((tmp_path / "backups").glob("*.dump"))
        machine.sql("DROP DATABASE bank", "CREATE DATABASE bank OWNER bank_owner")
        text = restore.removeprefix(roles).replace("bank-20261123T020000Z.dump", dump.name)
        machine.run(f"cd /srv/bank\n{text}")
        assert "no issues" in machine.run(_block("check --deploy"), **PRODUCTION)
