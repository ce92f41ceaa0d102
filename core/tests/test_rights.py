"""The deployment grants exactly the rights that the bank needs, and missing ones are reported."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from core.rights import APPEND_ONLY, READ_ONLY, Rights, check_rights, require_rights, rights_of
from tests.api import API, anonymous

PRIVILEGES = Path(__file__).parents[2] / "deploy" / "postgresql" / "privileges.sql"
# Roles belong to the server, which other test processes use too.
ROLE = f"bank_app_{uuid4().hex}"


def test_the_lists_are_those_of_the_deployment() -> None:
    text = PRIVILEGES.read_text("utf-8")
    for name, tables in (("read_only", READ_ONLY), ("append_only", APPEND_ONLY)):
        (listed,) = re.findall(rf"{name} text\[\] := ARRAY\[(.*?)\]", text, re.DOTALL)
        assert set(re.findall(r"'(\w+)'", listed)) == tables


@pytest.mark.django_db
def test_whoever_made_the_tables_has_all_rights() -> None:
    rights = rights_of(connection)
    assert (list(rights.missing), list(rights.excess)) == ([], [])
    require_rights(connection)
    assert check_rights(databases=["default"]) == []


@pytest.fixture
def as_role(db: None) -> Iterator[None]:
    """Gives this connection a role with the rights of bank_app. The test's rollback undoes it."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE}")
        cursor.execute(PRIVILEGES.read_text("utf-8").replace("bank_app", ROLE))
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def take_away(right: str) -> None:
    as_owner(f"REVOKE {right} FROM {ROLE}, PUBLIC")


def as_owner(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(statement)
        cursor.execute(f"SET LOCAL ROLE {ROLE}")


@pytest.mark.postgresql
def test_what_the_deployment_grants_is_enough(as_role: None) -> None:
    assert rights_of(connection) == Rights(ROLE, [], [])
    assert check_rights(databases=["default"]) == []
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
def test_each_missing_right_is_reported_and_nothing_serves(
    as_role: None, taken: str, missing: list[str]
) -> None:
    take_away(taken)
    assert rights_of(connection).missing == missing
    with pytest.raises(ImproperlyConfigured) as caught:
        require_rights(connection)
    assert str(caught.value) == (
        f"The role {ROLE} lacks rights in the database: {missing[0]}."
        " Run deploy/migrate.py as the owner of the database."
    )
    assert readiness_of_rights() == "1 missing"


def readiness_of_rights() -> str:
    response = anonymous().get(f"{API}health/ready/")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "ok"
    return str(response.json()["checks"]["rights"])


@pytest.mark.postgresql
@pytest.mark.parametrize("grantee", [ROLE, "PUBLIC"], ids=["the role", "everybody"])
@pytest.mark.parametrize(
    ("given", "excess"),
    [
        ("TEMPORARY ON DATABASE {database}", "temporary tables"),
        ("CREATE ON DATABASE {database}", "schemas"),
        ("CREATE ON SCHEMA public", "tables in the schema public"),
    ],
)
def test_a_role_that_could_hide_a_table_from_the_guards_is_told_and_nothing_serves(
    as_role: None, given: str, excess: str, grantee: str
) -> None:
    database = connection.ops.quote_name(connection.settings_dict["NAME"])
    as_owner(f"GRANT {given.format(database=database)} TO {grantee}")
    assert rights_of(connection) == Rights(ROLE, [], [excess])
    sentence = (
        f"The role {ROLE} may make {excess}, and so hide a table of the bank from its guards."
    )
    with pytest.raises(ImproperlyConfigured) as caught:
        require_rights(connection)
    cure = "Run deploy/migrate.py as the owner of the database."
    assert str(caught.value) == f"{sentence} {cure}"
    (message,) = check_rights(databases=["default"])
    assert (message.msg, message.hint, message.id) == (sentence, cure, "bank.E006")
    assert readiness_of_rights() == "1 too many"
    as_owner(PRIVILEGES.read_text("utf-8").replace("bank_app", ROLE))
    require_rights(connection)
