"""The rights that the bank needs on its tables, compared with those of its PostgreSQL role.

`deploy/postgresql/privileges.sql` grants them. The right to delete is granted only after a
migration and moves no money, so it is not checked.
"""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

# Written by migrations only.
READ_ONLY = frozenset({"auth_permission", "django_content_type", "django_migrations"})
# Written once, then only read.
APPEND_ONLY = frozenset(
    {
        "accounts_accountevent",
        "axes_accessfailurelog",
        "django_admin_log",
        "transactions_archivesegment",
        "transactions_transactionevent",
        "transactions_verification",
    }
)

# `migrate` will create missing tables. Without the right to use a schema its tables cannot be
# named, and there is no current schema.
_ASK = """
    SELECT current_user, current_schema() IS NOT NULL, ARRAY(
        SELECT needed.kind || ' on ' || needed.name
        FROM unnest(CAST(%s AS text[]), CAST(%s AS text[])) AS needed (name, kind)
        WHERE NOT has_table_privilege(to_regclass(quote_ident(needed.name)), needed.kind))"""


def missing_rights(connection: BaseDatabaseWrapper) -> list[str]:
    """The rights that the role of this connection lacks, as "INSERT on accounts_account"."""
    return _ask(connection)[1]


def require_rights(connection: BaseDatabaseWrapper) -> None:
    """Raises ImproperlyConfigured if the role of this connection lacks a right."""
    role, missing = _ask(connection)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ImproperlyConfigured(
            f"The role {role} lacks rights in the database: {missing[0]}{more}."
            " Run deploy/migrate.py as the owner of the database."
        )


def _ask(connection: BaseDatabaseWrapper) -> tuple[str, list[str]]:
    if connection.vendor != "postgresql":
        return "", []
    with connection.cursor() as cursor:
        cursor.execute(_ASK, [list(column) for column in zip(*_needed(), strict=True)])
        role, has_schema, missing = cursor.fetchone()
    return role, missing if has_schema else ["USAGE on the schema"]


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
