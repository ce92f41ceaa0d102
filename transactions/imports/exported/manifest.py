"""Checks, before anything is loaded, that the files match the export's manifest byte for byte."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.files import open_regular
from transactions.files.file_format import FileFormat
from transactions.files.formats import ARCHIVED_TRANSACTIONS, FILES, NEWER_FILES
from transactions.files.manifest import MANIFEST_NAME, FileEntry, Manifest
from transactions.imports.problems import ImportProblem, ImportRefused, Problems

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file to load: the first `entry.bytes` of `path`."""

    form: FileFormat
    path: Path
    entry: FileEntry

    @property
    def is_absent(self) -> bool:
        """Whether the folder's live archive did not exist at the time of the export."""
        return self.form is ARCHIVED_TRANSACTIONS and not self.entry.bytes


def read_sources(folder: Path) -> list[ExportedFile]:
    """All files of the export, in loading order, without those that its release did not have.

    Raises ImportRefused if the manifest cannot be read or lacks one of them.
    """
    try:
        with open_regular(folder / MANIFEST_NAME) as file:
            manifest = Manifest.decode(file.read())
    except ValueError as error:
        raise ImportRefused(str(error)) from error
    entries = {entry.name: entry for entry in manifest.files}
    forms = [form for form in FILES if form.file_name in entries or form.name not in NEWER_FILES]
    if missing := [form.file_name for form in forms if form.file_name not in entries]:
        raise ImportRefused(
            f"{MANIFEST_NAME} does not have {', '.join(missing)}: export all tables."
        )
    return [ExportedFile(form, folder / form.file_name, entries[form.file_name]) for form in forms]


def differences(sources: list[ExportedFile]) -> Problems:
    """Differences between the files and the manifest. The live archive may have grown since."""
    problems = Problems()
    for source in sources:
        problems.extend(_differences(source))
    return problems


def _differences(source: ExportedFile) -> Iterator[ImportProblem]:
    name, entry = source.entry.name, source.entry
    if source.is_absent:
        return
    if not source.path.is_file():
        yield ImportProblem(name, 0, "", "The file is missing.")
        return
    size = source.path.stat().st_size
    if size != entry.bytes and not (source.form is ARCHIVED_TRANSACTIONS and size > entry.bytes):
        reason = f"It has {size:,} bytes, and {entry.bytes:,} by {MANIFEST_NAME}."
        yield ImportProblem(name, 0, "", reason)
    elif digest_of(source.path, entry.bytes) != entry.sha256:
        reason = f"Its SHA-256 is not that of {MANIFEST_NAME}: the file was changed since."
        yield ImportProblem(name, 0, "", reason)


def digest_of(path: Path, size: int) -> str:
    """SHA-256 of the first `size` bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size and (data := file.read(min(size, _CHUNK_BYTES))):
            digest.update(data)
            size -= len(data)
    return digest.hexdigest()
