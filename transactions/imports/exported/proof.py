"""Proves that the bank would export the loaded data again, byte for byte."""

import hashlib

from django.db import connection, transaction

from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.files.manifest import MANIFEST_NAME, sums_of_table
from transactions.files.stream import blocks_of_lines
from transactions.imports.exported.manifest import ExportedFile
from transactions.imports.problems import ImportProblem, Problems


def differences(sources: list[ExportedFile]) -> Problems:
    """Differences in rows, sums or bytes from the manifest.

    The bytes of the archive were already compared when it was taken over.
    """
    problems = Problems()
    for source in sources:
        entry = source.entry
        rows, sums = sums_of_table(connection, source.form)
        if rows != entry.rows:
            problems.add(_differs(source, f"{rows:,} rows", f"{entry.rows:,}"))
        elif sums != dict(entry.sums):
            problems.add(_differs(source, f"The sums are {sums}", str(dict(entry.sums))))
        elif source.form is not ARCHIVED_TRANSACTIONS and _digest(source) != entry.sha256:
            reason = "This bank would export these rows differently."
            problems.add(ImportProblem(entry.name, 0, "", reason))
    return problems


def _digest(source: ExportedFile) -> str:
    digest = hashlib.sha256(source.form.header)
    # Planner settings of the export must not outlive it here: a savepoint resets them.
    with transaction.atomic():
        for _, block in blocks_of_lines(connection, source.form):
            digest.update(block)
        transaction.set_rollback(True)
    return digest.hexdigest()


def _differs(source: ExportedFile, found: str, expected: str) -> ImportProblem:
    return ImportProblem(source.entry.name, 0, "", f"{found}, and {expected} by {MANIFEST_NAME}.")
