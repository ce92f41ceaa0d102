"""Exports of a bank that is rolled back afterwards, so the same test finds an empty bank."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from transactions.files.formats import FILES
from transactions.files.manifest import MANIFEST_NAME, FileEntry, Manifest, sums_of_table
from transactions.files.stream import blocks_of_lines


def export_inside(folder: Path) -> Path:
    """Writes the files of `export`, read inside the test's transaction."""
    folder.mkdir(exist_ok=True)
    entries = []
    for form in FILES:
        rows, sums = sums_of_table(connection, form)
        with transaction.atomic():
            data = form.header + b"".join(block for _, block in blocks_of_lines(connection, form))
            transaction.set_rollback(True)  # The settings of the plan.
        (folder / form.file_name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        entries.append(FileEntry(form.file_name, rows, len(data), digest, sums))
    manifest = Manifest(timezone.now(), tuple(entries))
    (folder / MANIFEST_NAME).write_bytes(manifest.encode())
    return folder


def export_of(make_bank: Callable[[], object], folder: Path) -> Path:
    """Exports a bank that is gone when this returns."""
    # Marked as in TestCase: durable blocks may run inside.
    with _of_a_test(transaction.atomic()):
        make_bank()
        export_inside(folder)
        transaction.set_rollback(True)
    return folder


def _of_a_test(atomic: transaction.Atomic) -> transaction.Atomic:
    atomic._from_testcase = True  # type: ignore[attr-defined]
    return atomic


def contents(folder: Path) -> dict[str, bytes]:
    """The data files, to compare byte for byte."""
    return {form.file_name: (folder / form.file_name).read_bytes() for form in FILES}


def renew_manifest(folder: Path) -> None:
    """Updates sizes and digests to the current files; leaves rows and sums unchanged."""
    manifest = json.loads((folder / MANIFEST_NAME).read_text())
    for entry in manifest["files"]:
        data = (folder / entry["name"]).read_bytes()
        entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))
