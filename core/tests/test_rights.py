"""What the bank needs of its role is what the deployment grants, and a lack of it is told."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from core.rights import APPEND_ONLY, READ_ONLY, missing_rights, require_rights
from tests.api import API, anonymous

PRIVILEGES = Path(__file__).parents[2] / "deploy" / "postgresql" / "privileges.sql"
# Roles are the server's, which other processes of the tests use as well.
ROLE = f"bank_app_{uuid4().hex}"


def test_the_lists_are_those_of_the_deployment() -> None:
    text = PRIVILEGES.read_text("utf-8")
    for name, tables in (("read_only", READ_ONLY), ("append_only", APPEND_ONLY)):
        (listed,) = re.findall(rf"{name} text\[\] := ARRAY\[(.*?)\]", text, re.DOTALL)
        assert set(re.findall(r"'(\w+)'", listed)) == tables


@pytest.mark.django_db
def test_whoever_made_the_tables_has_all_rights() -> None:
    assert missing_rights(connection) == []
    require_rights(connection)


@pytest.fixture
def as_role(db: None) -> Iterator[None]:
    """This connection has a role with the rights of bank_app. All is undone."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE}")
        cursor.execute(PRIVILEGES.read_text("utf-8").replace("bank_app", ROLE))
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def take_away(right: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(f"REVOKE {right} FROM {ROLE}, PUBLIC")
        cursor.execute(f"SET LOCAL ROLE {ROLE}")


@pytest.mark.postgresql
def test_what_the_deployment_grants_is_enough(as_role: None) -> None:
    assert missing_rights(connection) == []
    assert anonymous().get(f"{API}health/ready/").status_code == 200


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("taken", "missing"),
    [
        ("UPDATE ON accounts_account", ["UPDATE on accounts_account"]),
        ("SELECT ON django_migrations", ["SELECT on django_migrations"]),
        ("INSERT ON transactions_transactionevent", ["INSERT on transactions_transactionevent"]),
        ("SELECT ON transactions_entry", ["SELECT on transactions_entry"]),
        ("USAGE ON SCHEMA public", ["USAGE on the schema"]),
    ],
)
def test_each_lack_is_told_and_nothing_serves(
    as_role: None, taken: str, missing: list[str]
) -> None:
    take_away(taken)
    assert missing_rights(connection) == missing
    with pytest.raises(ImproperlyConfigured) as caught:
        require_rights(connection)
    assert str(caught.value) == (
        f"The role {ROLE} lacks rights in the database: {missing[0]}."
        " Run deploy/migrate.py as the owner of the database."
    )
    response = anonymous().get(f"{API}health/ready/")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "ok"
    assert response.json()["checks"]["rights"] == "1 missing"
