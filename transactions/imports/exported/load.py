"""Loads the files of an export."""

from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from django.db import DataError, IntegrityError, connection

from core.progress import Progress
from transactions.archive.file import archive_path
from transactions.files.customers import ACCOUNT_CUSTOMERS, ACCOUNT_LIMITS
from transactions.files.formats import (
    ACCOUNTS,
    ARCHIVED_TRANSACTIONS,
    NEWER_FILES,
    TRANSACTIONS,
)
from transactions.files.holds import HOLDS
from transactions.imports.empty_bank import empty_bank
from transactions.imports.exported import manifest, proof
from transactions.imports.exported.archive import (
    cutting_tail,
    has_tail,
    put_in_place,
    record,
    taking_over,
)
from transactions.imports.exported.later import Later, read_later, take
from transactions.imports.exported.manifest import ExportedFile, read_sources
from transactions.imports.exported.scan import scan
from transactions.imports.exported.staging import require_temporary_tables, stage, unstage
from transactions.imports.exported.tables import (
    create_users,
    give_customers,
    insert,
    post_balances,
    put_back_claims,
    set_limits,
    settle_holds,
)
from transactions.imports.exported.wrong_rows import has_wrong_rows
from transactions.imports.options import LATER_LEAVE, LATER_TAKE, Options
from transactions.imports.problems import (
    ImportFileError,
    ImportOutcome,
    ImportProblem,
    ImportRefused,
    LaterTransactions,
    Problems,
)

# The summary's word for the rows of each file.
_COUNTED = {
    "accounts": "accounts",
    "batches": "batches",
    "transactions": "transactions",
    "archived_transactions": "archived_transactions",
    "account_events": "events",
    "transaction_events": "events",
    "customers": "customers",
    "account_customers": "accounts_of_customers",
    "customer_events": "events",
    "seals": "seals",
    "sealed_ranges": "sealed_ranges",
    "statements": "statements",
    "notes": "notes",
    "holds": "holds",
    "hold_captures": "captures_of_holds",
    "hold_events": "events",
    "hold_items": "items_about_holds",
    "account_limits": "accounts_with_limits",
}
# Those that change rows of earlier files.
_FILL = {ACCOUNT_CUSTOMERS.name: give_customers, ACCOUNT_LIMITS.name: set_limits}
_REFUSED = "The files cannot be loaded."


def load(folder: Path, options: Options) -> ImportOutcome:
    """Loads all files or none. An export of the loaded bank gives the same bytes.

    Memory does not grow with the files. If loading fails, they are read once more, slowly, to find
    the bad cells. Raises ImportRefused and FileProblem; LaterTransactions if the archive has grown
    since the export, unless the options decide about the new transactions.
    """
    sources = read_sources(folder)
    require_temporary_tables()
    try:
        _require(manifest.differences(sources))
        return _load(sources, options)
    except _FilesToBlame as error:
        found = scan(sources)
        found.extend(error.problems.listed)
        raise ImportRefused(_REFUSED, found) from error


class _FilesToBlame(Exception):
    """The files are not those of an export. `problems` say what is wrong."""

    def __init__(self, *problems: ImportProblem) -> None:
        self.problems = Problems()
        self.problems.extend(problems)


def _require(problems: Problems) -> None:
    if problems.count:
        raise _FilesToBlame(*problems.listed)


def _load(sources: list[ExportedFile], options: Options) -> ImportOutcome:
    dry_run = options.dry_run
    archived = next(source for source in sources if source.form is ARCHIVED_TRANSACTIONS)
    has_archive = archived.entry.rows > 0
    size = sum(source.entry.bytes for source in sources)
    with (
        taking_over() if has_archive or has_tail(archived) else nullcontext(),
        Progress("import", size) as progress,
        cutting_tail(archived, dry_run=dry_run),
        empty_bank(dry_run=dry_run, actor_id=options.actor_id),
    ):
        try:
            counts = _fill(sources, progress)
            if has_archive:
                if not dry_run:
                    put_in_place(archived)
                record(archived, archived.path if dry_run else archive_path(), progress.advance)
            connection.check_constraints()
        except ImportFileError as error:
            raise _FilesToBlame(error.problem) from error
        except (DataError, IntegrityError) as error:
            raise _FilesToBlame(ImportProblem("", 0, "", f"{error}".strip())) from error
        _require(proof.differences(sources))
        later = _later(archived, options)
        counts |= {"taken": later.taken, "left": later.count} if later.taken or later.count else {}
    return ImportOutcome("export", counts, left=later.left)


def _later(archived: ExportedFile, options: Options) -> Later:
    """Later transactions of the archive that are not taken. Raises LaterTransactions."""
    later = read_later(archived)
    if later.count and not options.later:
        later.leave(later.rows, "No file of the export has it.")
        raise LaterTransactions(
            f"{archived.path.name} has {later.left.count:,} transactions that came after the"
            f" export. `--later {LATER_TAKE}` loads those that follow the export without a gap,"
            f" `--later {LATER_LEAVE}` leaves them out.",
            later.left,
        )
    if options.later == LATER_TAKE:
        take(later)
    later.leave(later.rows, "It is left out.")
    later.rows = []
    return later


def _fill(sources: list[ExportedFile], progress: Progress) -> dict[str, int]:
    """Fills the tables, and returns the number of rows of each kind."""
    counts: Counter[str] = Counter()
    for source in sources:
        if source.is_absent:
            continue
        form = source.form
        stage(form, source.path, source.entry.bytes, progress.advance)
        if has_wrong_rows(form):
            raise _FilesToBlame
        counts["users"] += create_users(form)
        filled = _FILL.get(form.name, insert)(form)
        if filled or form.name not in NEWER_FILES:
            counts[_COUNTED[form.name]] += filled
        if form is TRANSACTIONS:
            put_back_claims(form)
        if form not in {ACCOUNTS, HOLDS}:
            unstage(form)
    # Sets balances after the entries, and what is held after both: the guards allow no other order.
    post_balances()
    unstage(ACCOUNTS)
    if any(source.form is HOLDS and not source.is_absent for source in sources):
        settle_holds(HOLDS)
        unstage(HOLDS)
    return dict(counts)
