"""The steps of compose on a first start and a restore: its own scripts, without an engine."""

import os
import secrets
import subprocess
from pathlib import Path

import environ
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.container import Container, container
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.postgresql_roles import make_roles

# This module has its own server, so one run of the suite is enough.
pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("kept", "db", "owner", "app")
MAKE = ["python", "deploy/make_secrets.py"]
GIVEN = {
    "DJANGO_SECRET_KEY": "k3y$#" * 12,
    "POSTGRES_PASSWORD": "postgres",
    "BANK_OWNER_PASSWORD": "own/er@x",
    "BANK_APP_PASSWORD": "ap p",
}


@pytest.fixture(scope="module")
def image():
    with container() as image_folder:
        # The volume has it.
        del image_folder.variables["DJANGO_SECRET_KEY"]
        yield image_folder


@pytest.fixture
def folder(image: Container):
    """Four new, empty volumes."""
    path = image.data / secrets.token_hex(4)
    names = ", ".join(repr(str(path / name)) for name in SERVICES)
    image.run(["python", "-c", f"import os; [os.makedirs(path) for path in [{names}]]"])
    return path


def _texts(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def _env(folder: Path, service: str) -> dict[str, str]:
    """The file's variables, as the bank reads its .env."""
    found: dict[str, str] = {}

    class Reader(environ.Env):
        ENVIRON = found

    Reader.read_env(folder / service / "env")
    return found


def test_a_first_start_makes_secrets_and_the_next_one_keeps_them(image, folder) -> None:
    image.run([*MAKE, str(folder)])
    made = _texts(folder)
    assert sorted(made) == [
        "app/env",
        "db/bank_app_password",
        "db/bank_owner_password",
        "db/postgres_password",
        *(f"kept/{name}" for name in sorted(map(str.lower, GIVEN))),
        "owner/env",
    ]
    kept = {name: made[f"kept/{name.lower()}"].strip() for name in GIVEN}
    assert len(set(kept.values())) == 4
    assert all(len(value) == 64 for value in kept.values())
    for role in ("owner", "app"):
        password = kept[f"BANK_{role.upper()}_PASSWORD"]
        assert _env(folder, role) == {
            "DATABASE_URL": f"postgresql://bank_{role}:{password}@db:5432/bank",
            "DJANGO_SECRET_KEY": kept["DJANGO_SECRET_KEY"],
        }
        assert made[f"db/bank_{role}_password"].strip() == password
    # No service sees the secret of another.
    assert kept["BANK_OWNER_PASSWORD"] not in made["app/env"]
    assert kept["POSTGRES_PASSWORD"] not in made["owner/env"] + made["app/env"]
    image.run([*MAKE, str(folder)])
    assert _texts(folder) == made


def test_what_env_gives_overrides_what_was_made(image, folder) -> None:
    image.run([*MAKE, str(folder)])
    image.run([*MAKE, str(folder)], **GIVEN)
    assert _env(folder, "app") == {
        "DATABASE_URL": "postgresql://bank_app:ap%20p@db:5432/bank",
        "DJANGO_SECRET_KEY": GIVEN["DJANGO_SECRET_KEY"],
    }
    assert conninfo_to_dict(_env(folder, "owner")["DATABASE_URL"])["password"] == "own/er@x"
    assert _texts(folder)["db/postgres_password"] == "postgres\n"


def test_the_nodes_of_a_cluster_take_the_place_of_the_server(image, folder) -> None:
    image.run([*MAKE, str(folder)], BANK_DATABASE_HOSTS="pg1:5432,pg2:5432")
    url = conninfo_to_dict(_env(folder, "app")["DATABASE_URL"])
    assert (url["host"], url["port"], url["dbname"]) == ("pg1,pg2", "5432,5432", "bank")
    assert _env(folder, "app")["BANK_REPLICA_URL"] == _env(folder, "app")["DATABASE_URL"]
    assert "BANK_REPLICA_URL" not in _env(folder, "owner")


def test_modes_are_the_narrowest_that_work(image, folder) -> None:
    image.run([*MAKE, str(folder)])
    modes = {
        path.parent.name: path.stat().st_mode & 0o777
        for path in folder.rglob("*")
        if path.is_file()
    }
    # The database's own user reads its volume, which no other service mounts.
    assert modes == {"kept": 0o400, "db": 0o444, "owner": 0o400, "app": 0o400}


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize(
    "production", [{"BANK_PRODUCTION": "true"}, {"DJANGO_ALLOWED_HOSTS": "bank.example.com"}]
)
def test_production_takes_no_secret_that_was_made(image, folder, name, production) -> None:
    given = {key: value for key, value in GIVEN.items() if key != name}
    process = image.start([*MAKE, str(folder)], **given, **production)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (
        1,
        f"Not fit for production: {name} must be set in .env.\n",
    )
    assert _texts(folder) == {}


@pytest.mark.parametrize("reason", [{"BANK_PRODUCTION": "true"}, {"BANK_DEMO": "no"}])
def test_production_gets_no_demo(image, reason) -> None:
    assert image.run(["python", "deploy/demo.py"], **reason) == (
        "No demo: the first administrator is made by createsuperuser.\n"
    )


def test_a_first_start_ends_in_a_bank_that_people_can_log_in_to(image, folder) -> None:
    """The services secrets, db, migrate and demo; each has only its own volume."""
    image.run([*MAKE, str(folder)])
    with postgresql_server(fsync=False) as server:
        with psycopg.connect(server._url("postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE bank")
        subprocess.run(
            ["/bin/sh", ROOT / "deploy/postgresql/init.sh"],
            env=_variables(server)
            | {
                "BANK_SECRETS": str(folder / "db"),
                "BANK_ROLES": str(ROOT / "deploy/postgresql/roles.sql"),
            },
            check=True,
        )
        # In compose the database is a host of this name.
        address = "{PGHOST}:{PGPORT}".format(**_variables(server))
        dotenv = image.folder / ".env"

        def run(service: str, *words: str) -> str:
            text = (folder / service / "env").read_text().replace("db:5432", address)
            dotenv.write_text(text)
            return image.run(["python", *words])

        try:
            run("owner", "deploy/migrate.py")
            assert "admin " in run("app", "deploy/demo.py")
            assert "nothing to set up" in run("app", "deploy/demo.py")
            run("app", "manage.py", "check", "--database", "default")
        finally:
            dotenv.unlink(missing_ok=True)


def _variables(server: PostgresqlServer) -> dict[str, str]:
    parameters = conninfo_to_dict(server.url)
    return {
        "PATH": f"{server.bindir}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(parameters["host"]),
        "PGPORT": str(parameters["port"]),
        "PGPASSWORD": str(parameters["password"]),
        "POSTGRES_USER": str(parameters["user"]),
    }


COMPOSE_RESTORE = ROOT / "deploy" / "postgresql" / "restore.sh"


def test_compose_restores_beside_the_bank_that_was_there():
    """Runs pg_dump and restore.sh as docs/operations.md does in the database's container."""
    with postgresql_server(fsync=False) as server:
        owner, _app = make_roles(server)
        variables = _variables(server)

        def restore(dump):
            words = ["/bin/sh", COMPOSE_RESTORE]
            return subprocess.run(
                words, env=variables, input=dump, capture_output=True, check=False
            )

        with psycopg.connect(owner) as bank:
            bank.execute("CREATE TABLE paid (amount bigint); INSERT INTO paid VALUES (7)")
        words = ["pg_dump", "-U", variables["POSTGRES_USER"], "--format=custom", "--no-owner"]
        dump = subprocess.run(
            [*words, "--no-privileges", "bank"], env=variables, capture_output=True, check=True
        ).stdout
        with psycopg.connect(owner) as bank:
            bank.execute("INSERT INTO paid VALUES (8)")
            bank.commit()
            done = restore(dump)
            assert (done.returncode, done.stderr) == (
                1,
                b"FAILED: 1 sessions use the bank. Stop web and worker first.\n",
            )
        assert restore(dump[:-100]).returncode == 1
        assert _databases(server) == ["bank"]
        done = restore(dump)
        assert done.returncode == 0, done.stderr
        before, after = _databases(server)
        assert (before.startswith("bank_before_"), after) == (True, "bank")
        with psycopg.connect(owner) as bank:
            query = "SELECT amount, tableowner FROM paid, pg_tables WHERE tablename = 'paid'"
            assert bank.execute(query).fetchall() == [(7, "bank_owner")]


def _databases(server):
    with psycopg.connect(server._url("postgres")) as connected:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, 'bank')"
        return sorted((name for (name,) in connected.execute(query)), key=len, reverse=True)
