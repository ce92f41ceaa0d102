"""The containers' own steps on this machine: clean folder, user without rights, two database roles.

The order is that of compose: roles.sql on a new server, deploy/migrate.py as the owner, the demo
and the image's command as bank_app. Only the container engine is missing.
"""

import base64
import http.cookiejar
import json
import re
import secrets
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

import psycopg
import pytest

from deploy.migrate import grant
from tests.container import Container, container
from tests.http import free_port
from tests.postgresql import postgresql_server
from tests.postgresql_roles import make_roles

# This module has its own server, so one run of the suite is enough.
pytestmark = pytest.mark.sqlite

LEDGER = ("accounts_account", "transactions_transaction", "transactions_transactionevent")


@dataclass
class Bank:
    url: str
    container: Container
    owner_url: str
    app_url: str
    admin_url: str
    demo: str


@pytest.fixture(scope="module")
def bank():
    with postgresql_server(fsync=False) as server, container() as image_folder:
        owner_url, app_url = make_roles(server)
        migrated = image_folder.run(["python", "deploy/migrate.py"], DATABASE_URL=owner_url)
        assert "Applying transactions.0001_initial... OK" in migrated
        demo = image_folder.run(["python", "manage.py", "setup_demo"], DATABASE_URL=app_url)
        with image_folder.served(free_port(), DATABASE_URL=app_url) as url:
            yield Bank(url, image_folder, owner_url, app_url, server._url("postgres"), demo)


def _call(url, body=None, headers=None, opener=None):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | (headers or {})
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310
    try:
        with (opener or urllib.request.build_opener()).open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _field(demo, name):
    return re.search(rf"^  {name} +(\S+)", demo, re.MULTILINE)[1]


def _token(bank):
    form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
    pair = f"{_field(bank.demo, 'client_id')}:{_field(bank.demo, 'client_secret')}"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
    }
    scopes = "accounts:read accounts:write transactions:read transactions:write"
    form += b"&" + urllib.parse.urlencode({"scope": scopes}).encode()
    status, answer = _call(f"{bank.url}/api/v1/oauth/token/", form, headers)
    assert status == 200, answer
    return json.loads(answer)["access_token"], headers


def test_served_as_the_web_role_it_is_ready(bank):
    status, answer = _call(f"{bank.url}/api/v1/health/ready/")
    assert (status, json.loads(answer)["status"]) == (200, "ok")


def test_money_moves_and_tokens_come_and_go_as_the_web_role(bank):
    token, client = _token(bank)
    bearer = {"Authorization": f"Bearer {token}"}
    accounts = f"{bank.url}/api/v1/accounts/"
    status, answer = _call(accounts, {"name": "Alan Turing", "initial_balance": "12.50"}, bearer)
    assert status == 201, answer
    account_id = json.loads(answer)["account_id"]
    key = bearer | {"Idempotency-Key": secrets.token_hex(8)}
    for _attempt in range(2):
        status, answer = _call(f"{accounts}{account_id}/withdraw/", {"amount": "2.25"}, key)
        assert status == 200, answer
    assert json.loads(answer)["balance_after"] == "10.25"
    form = urllib.parse.urlencode({"token": token}).encode()
    status, _ = _call(f"{bank.url}/api/v1/oauth/revoke/", form, client)
    assert status == 200
    status, _ = _call(accounts, None, bearer)
    assert status == 401


def test_staff_sign_in_work_and_sign_out_as_the_web_role(bank):
    """The web role may delete sessions, but no other row of a sign-in."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    login = f"{bank.url}/admin/login/?next=/admin/"

    def post(url, page, **fields):
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": token} | fields).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": url}
        return _call(url, form, headers, opener)

    _, page = _call(login, None, None, opener)
    status, page = post(login, page, username="admin", password=_field(bank.demo, "admin"))
    assert status == 200
    assert "<title> Today |" in " ".join(page.split())
    add = f"{bank.url}/admin/auth/group/add/"
    status, page = _call(add, None, None, opener)
    assert status == 200
    status, _ = post(add, page, name="night shift")
    assert status == 200
    with psycopg.connect(bank.app_url) as connection:
        query = "SELECT count(*) FROM django_admin_log WHERE object_repr = 'night shift'"
        assert connection.execute(query).fetchone() == (1,)
        sessions = "SELECT count(*) FROM staff_staffsession"
        (before,) = connection.execute(sessions).fetchone()
        connection.rollback()
        _, page = _call(f"{bank.url}/admin/", None, None, opener)
        status, _ = post(f"{bank.url}/admin/logout/", page)
        assert status == 200
        assert connection.execute(sessions).fetchone() == (before - 1,)


def test_ledger_verifies_as_the_web_role(bank):
    report = json.loads(
        bank.container.run(
            ["python", "manage.py", "verify_ledger", "--json"], DATABASE_URL=bank.app_url
        ).splitlines()[-1]
    )
    assert report["ok"] is True, report


@pytest.mark.parametrize(
    "statement",
    [
        *(f"DELETE FROM {table}" for table in LEDGER),
        *(f"TRUNCATE {table} CASCADE" for table in LEDGER),
        "DELETE FROM auth_user",
        "DELETE FROM django_admin_log",
        "UPDATE accounts_accountevent SET reason = ''",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'y', now())",
        "ALTER TABLE transactions_transaction DISABLE TRIGGER ALL",
        "DROP TRIGGER transactions_transaction_final ON transactions_transaction",
        "ALTER FUNCTION transactions_transaction_final() RENAME TO harmless",
        "CREATE TABLE loot (id int)",
        "CREATE TEMPORARY TABLE loot (id int)",
        "SET session_replication_role = replica",
        "SET ROLE bank_owner",
        "GRANT DELETE ON accounts_account TO bank_app",
        "COPY accounts_account TO PROGRAM 'cat'",
    ],
)
def test_web_role_may_not(bank, statement):
    """A GRANT without the right to it is only a warning in PostgreSQL, so the test checks the
    result.
    """
    with psycopg.connect(bank.app_url) as connection:
        if statement.startswith("GRANT"):
            connection.execute(statement)
            query = "SELECT has_table_privilege('accounts_account', 'DELETE')"
            assert connection.execute(query).fetchone() == (False,)
            return
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def _made_by_hand(bank, name):
    """Creates and migrates a database with the default rights of PUBLIC; returns URLs of both
    roles.
    """
    with psycopg.connect(bank.admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER bank_owner")
    owner_url, app_url = (
        f"{url.removesuffix('/bank')}/{name}" for url in (bank.owner_url, bank.app_url)
    )
    bank.container.run(["python", "deploy/migrate.py"], DATABASE_URL=owner_url)
    return owner_url, app_url


def _forge_a_limit(url):
    """As bank_app: a temporary table contains what the guard of overdraft limits looks for."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE accounts_accountevent AS"
            " SELECT 1 AS id, id AS account_id, 'OVERDRAFT_LIMIT_CHANGED' AS event,"
            ' \'{"overdraft_limit": "50000"}\'::jsonb AS after'
            " FROM accounts_account WHERE name = 'Ada Lovelace'"
        )
        changed = connection.execute(
            "UPDATE accounts_account SET overdraft_limit = 500000000 WHERE name = 'Ada Lovelace'"
        )
        assert changed.rowcount == 1


def test_a_database_made_by_hand_has_guards_that_nothing_hides_from(bank):
    owner_url, app_url = _made_by_hand(bank, "by_hand")
    bank.container.run(["python", "manage.py", "setup_demo"], DATABASE_URL=app_url)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _forge_a_limit(app_url)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("GRANT TEMPORARY ON DATABASE by_hand TO PUBLIC")
    _forge_a_limit(app_url)
    for words in (["serve"], ["check", "--database", "default"]):
        with bank.container.start(["python", "manage.py", *words], DATABASE_URL=app_url) as process:
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "The role bank_app may make temporary tables, and so hide a table" in output
        assert "Run deploy/migrate.py as the owner of the database." in output
        assert "Traceback" not in output
    grant(owner_url)
    bank.container.run(
        ["python", "manage.py", "check", "--database", "default"], DATABASE_URL=app_url
    )


def test_an_export_is_loaded_by_the_owner_and_not_by_the_web_role(bank):
    """A temporary table could hide one of the bank's own from the guards of its session."""
    run = bank.container.run
    run(["python", "manage.py", "export_data"], DATABASE_URL=bank.app_url)
    owner_url, app_url = _made_by_hand(bank, "moved")
    load = ["python", "manage.py", "import_data", str(bank.container.data)]
    with bank.container.start(load, DATABASE_URL=app_url) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The role bank_app may make no temporary tables" in output
    assert "Traceback" not in output
    summary = json.loads(run(load, DATABASE_URL=owner_url).splitlines()[-1])
    assert summary["accounts"] > 0
    verify = ["python", "manage.py", "verify_ledger", "--json"]
    assert json.loads(run(verify, DATABASE_URL=app_url).splitlines()[-1])["ok"] is True


def test_no_right_is_left_over_and_a_second_run_changes_nothing(bank):
    query = (
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE grantee = 'bank_app' ORDER BY 1, 2"
    )
    with psycopg.connect(bank.owner_url, autocommit=True) as connection:
        granted = connection.execute(query).fetchall()
        assert {kind for _, kind in granted} == {"SELECT", "INSERT", "UPDATE", "DELETE"}
        deletable = {table for table, kind in granted if kind == "DELETE"}
        assert not [t for t in deletable if t.startswith(("accounts_", "transactions_"))]
        assert {"django_session", "staff_onetimepassword", "staff_staffsession"} <= deletable
        connection.execute("GRANT DELETE, TRIGGER ON accounts_account TO bank_app")
        grant(bank.owner_url)
        assert connection.execute(query).fetchall() == granted


def test_a_new_table_is_usable_before_the_rights_are_granted_again(bank):
    """While a migration runs, the old web processes continue."""
    with psycopg.connect(bank.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE newcomer (id bigint GENERATED ALWAYS AS IDENTITY, name text)")
        try:
            with psycopg.connect(bank.app_url, autocommit=True) as app:
                app.execute("INSERT INTO newcomer (name) VALUES ('x')")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute("DELETE FROM newcomer")
        finally:
            owner.execute("DROP TABLE newcomer")
