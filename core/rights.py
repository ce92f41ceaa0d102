"""The rights that the bank needs on its tables, compared with those of its PostgreSQL role.

`deploy/postgresql/privileges.sql` grants them. The right to delete is granted only after a
migration and moves no money, so it is not checked.

A role that owns none of the tables must not be able to create a table either. A temporary table, or
a table in a schema that comes first in the search path, would hide a table of the bank from its
guards. The owner of the tables could switch the guards off anyway, so the owner's role is not
checked for this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

# Tables that only migrations write.
READ_ONLY = frozenset({"auth_permission", "django_content_type", "django_migrations"})
# Tables whose rows are written once, then only read.
APPEND_ONLY = frozenset(
    {
        "accounts_accountevent",
        "axes_accessfailurelog",
        "customers_customerevent",
        "django_admin_log",
        "seals_seal",
        "seals_sealedrange",
        "staff_failedloginorigin",
        "staff_logentryorigin",
        "staff_loginorigin",
        "statements_statement",
        "transactions_archivesegment",
        "transactions_transactionevent",
        "transactions_verification",
    }
)

_CURE = "Run deploy/migrate.py as the owner of the database."

# `migrate` will create missing tables. Without the right to use a schema its tables cannot be
# named, and there is no current schema.
_ASK = """
    SELECT current_user, current_schema() IS NOT NULL, ARRAY(
        SELECT needed.kind || ' on ' || needed.name
        FROM unnest(CAST(%s AS text[]), CAST(%s AS text[])) AS needed (name, kind)
        WHERE NOT has_table_privilege(to_regclass(quote_ident(needed.name)), needed.kind)
    ), ARRAY(
        SELECT made.what
        FROM (
            SELECT 'temporary tables', has_database_privilege(current_database(), 'TEMPORARY')
            UNION ALL
            SELECT 'schemas', has_database_privilege(current_database(), 'CREATE')
            UNION ALL
            SELECT 'tables in the schema ' || name, has_schema_privilege(name, 'CREATE')
            FROM unnest(current_schemas(false)) AS name
        ) AS made (what, may)
        WHERE made.may AND EXISTS (
            SELECT FROM pg_class
            WHERE pg_class.oid = to_regclass('accounts_account')
                AND NOT pg_has_role(pg_class.relowner, 'MEMBER')
        ))"""


@dataclass(frozen=True, slots=True)
class Rights:
    """What `role` lacks, as "INSERT on accounts_account", and what it may make, as "schemas"."""

    role: str = ""
    missing: Sequence[str] = ()
    excess: Sequence[str] = ()

    @property
    def problem(self) -> str:
        """The problem, in a sentence; empty if there is none."""
        if self.missing:
            return f"The role {self.role} lacks rights in the database: {_listed(self.missing)}."
        if self.excess:
            return (
                f"The role {self.role} may make {_listed(self.excess)}, and so hide a table of the"
                " bank from its guards."
            )
        return ""


def _listed(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def rights_of(connection: BaseDatabaseWrapper) -> Rights:
    """The missing and the excessive rights of this connection's role."""
    if connection.vendor != "postgresql":
        return Rights()
    with connection.cursor() as cursor:
        cursor.execute(_ASK, [list(column) for column in zip(*_needed(), strict=True)])
        role, has_schema, missing, excess = cursor.fetchone()
    return Rights(role, missing if has_schema else ["USAGE on the schema"], excess)


def require_rights(connection: BaseDatabaseWrapper) -> None:
    """Raises ImproperlyConfigured if the role of this connection lacks a right, or has too many."""
    if problem := rights_of(connection).problem:
        raise ImproperlyConfigured(f"{problem} {_CURE}")


def check_rights(
    *,
    app_configs: Any = None,  # noqa: ARG001 - Django gives it by name
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """System check (tag `database`): the role of the bank has the rights it needs, no others."""
    return [
        Error(problem, hint=_CURE, obj=f"Database '{alias}'", id="bank.E006")
        for alias in databases or []
        if (problem := rights_of(connections[alias]).problem)
    ]


def _needed() -> list[tuple[str, str]]:
    """Pairs of a table and a right."""
    pairs = [("django_migrations", "SELECT")]
    for model in apps.get_models(include_auto_created=True):
        options = model._meta
        kinds = ["SELECT"]
        if options.managed and options.db_table not in READ_ONLY:
            kinds += ["INSERT"] if options.db_table in APPEND_ONLY else ["INSERT", "UPDATE"]
        if not options.proxy:
            pairs += [(options.db_table, kind) for kind in kinds]
    return pairs
