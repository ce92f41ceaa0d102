"""The two roles of a bank on a test server, created as an operator does."""

import secrets
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.postgresql import PostgresqlServer

ROLES = Path(__file__).resolve().parent.parent / "deploy" / "postgresql" / "roles.sql"


def make_roles(server: PostgresqlServer) -> tuple[str, str]:
    """Runs roles.sql as init.sh does; returns the URLs of both roles."""
    if not (server.bindir / "psql").exists():
        pytest.skip("this PostgreSQL comes without psql")
    parameters = conninfo_to_dict(server.url)
    passwords = {name: secrets.token_hex(16) for name in ("owner", "app")}
    # `bank` is the name of the test server's own database.
    with psycopg.connect(server._url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE bank")
    settings = [f"-v{name}_password={password}" for name, password in passwords.items()]
    subprocess.run(
        [
            server.bindir / "psql", "--no-psqlrc", "--quiet", "--dbname=postgres", *settings,
            f"-f{ROLES}",
        ],
        env={
            "PGHOST": parameters["host"],
            "PGPORT": parameters["port"],
            "PGUSER": parameters["user"],
            "PGPASSWORD": parameters["password"],
        },
        check=True,
    )  # fmt: skip
    address = f"{parameters['host']}:{parameters['port']}/bank"
    owner, app = (
        f"postgresql://bank_{name}:{passwords[name]}@{address}" for name in ("owner", "app")
    )
    return owner, app
