"""Writes deploy/presto/analytics.sql: `python -m deploy.presto.views`."""

from pathlib import Path

from analytics.relations import ROLE, SCHEMA, views_sql

FILE = Path(__file__).with_name("analytics.sql")
_BEGINNING = f"""\
-- The views of the schema `{SCHEMA}`, and the role {ROLE}, which reads them and nothing else.
-- Written by `python -m deploy.presto.views`. Run by a superuser of the server, with psql, in the
-- bank's database; again after an upgrade whose release notes say so:
--
--   psql -v owner=bank_owner -v zone=UTC -v analyst_password=... -f analytics.sql bank
--
-- `owner` is the role that owns the bank's tables, `zone` is BANK_TIME_ZONE. No view has a name, a
-- description or other free text. docs/analytics.md tells of the columns.

\\set ON_ERROR_STOP on

SELECT 'CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') \\gexec
ALTER ROLE {ROLE} PASSWORD :'analyst_password';
ALTER ROLE {ROLE} SET default_transaction_read_only = on;
ALTER ROLE {ROLE} SET statement_timeout = '10min';
SELECT format('GRANT CONNECT ON DATABASE %I TO {ROLE}', current_database()) \\gexec

BEGIN;
CREATE SCHEMA IF NOT EXISTS {SCHEMA} AUTHORIZATION :"owner";
SET LOCAL ROLE :"owner";
"""  # noqa: S608 - constants
_END = f"""\
GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE};
GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {ROLE};
COMMIT;
"""


def text() -> str:
    """The content of the file."""
    views = "".join(f"{statement};\n" for statement in views_sql(":'zone'"))
    return f"{_BEGINNING}{views}{_END}"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
