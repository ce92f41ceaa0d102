"""The single transaction of an import: into an empty bank, verified before the commit."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.admin.models import ADDITION
from django.db import OperationalError, connection, transaction

from accounts.models import Account
from accounts.states import AccountKind
from core.database_errors import meaning_of
from core.failpoints import failpoint
from core.name_words import catch_up
from core.sql.bulk import analyse
from core.staff_log import record
from customers.models import Customer
from transactions.imports.problems import ImportBusy, ImportRefused
from transactions.models import ArchiveRun, Batch, Note, Transaction
from transactions.verifier import examine

_TABLES = ("accounts_account", "transactions_transaction")
_POSTGRESQL_BEGIN = (
    # The time-outs are made for requests. A load of all files takes longer.
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    # Readers continue; writers, and a second import, wait.
    f"LOCK TABLE {', '.join(_TABLES)} IN SHARE ROW EXCLUSIVE MODE",
)
# The number of findings reported. A broken ledger breaks many rules many times.
_MOST_FINDINGS_TOLD = 20


@contextmanager
def empty_bank(*, dry_run: bool, actor_id: int | None) -> Iterator[None]:
    """Runs the block in one database transaction, with no other writers.

    After the block it checks every invariant of the ledger, and only then commits, or with
    `dry_run` rolls back. The staff log then names the user `actor_id`, if there is one. Raises
    ImportBusy while another process writes to the bank, and ImportRefused if the bank is not empty
    or the loaded data breaks an invariant.
    """
    try:
        with transaction.atomic(durable=True):
            _begin()
            yield
            failpoint("import.loaded")
            catch_up()
            _prove()
            if actor_id is not None:
                record(actor_id, None, "Files", ADDITION, "Imported into the empty bank.")
            failpoint("import.verified")
            transaction.set_rollback(dry_run)
    except OperationalError as error:
        if meaning_of(error).tried_again:
            raise ImportBusy(
                "Another process writes to this bank, or another import is at work."
            ) from error
        raise
    if not dry_run:
        failpoint("import.committed")


def _begin() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for statement in _POSTGRESQL_BEGIN:
                cursor.execute(statement)
    failpoint("import.locked")
    customers = Account.objects.filter(kind=AccountKind.CUSTOMER)
    others = (model.objects.all() for model in (Transaction, Batch, ArchiveRun, Customer, Note))
    if any(rows.exists() for rows in (customers, *others)):
        raise ImportRefused("This bank is not empty. Import into a bank without accounts.")


def _prove() -> None:
    # The checks read everything, so the planner needs the statistics of the loaded tables.
    analyse(*_TABLES)
    report = examine(connection)
    if not report.ok:
        lines = [line for finding in report.findings for line in finding.lines()]
        told = lines[:_MOST_FINDINGS_TOLD]
        if len(lines) > len(told):
            told.append(f"and {len(lines) - len(told):,} more lines")
        raise ImportRefused("\n".join(["The ledger of these files does not hold.", *told]))
