"""The heads of seals, as JSON and in the file `seals.jsonl`.

The file has a line for each seal, in order, ended by a line feed. It can be made again from the
database at any time; its worth is in copies of it elsewhere, which a changed bank cannot match.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from core import clock
from core.appending import cut, opened_to_append, write_all
from core.failpoints import failpoint
from core.files import FileProblem, os_errors_as_file_problem, write_atomically
from seals.canonical import SEAL_FIELDS, moment_text, seal_text
from seals.models import Seal
from seals.problems import SealProblem

NAME = "seals.jsonl"
# No line is longer: a line has about 700 bytes.
_LONGEST_LINE = 4096
_PAGE = 500


def heads_path() -> Path:
    return Path(settings.DATA_DIR) / NAME


def head_of(seal: Seal) -> dict[str, str | int]:
    """The head of a seal as JSON: its SEAL_FIELDS, digest and signature."""
    values = {name: getattr(seal, name) for name in (*SEAL_FIELDS, "digest", "signature")}
    return values | {"sealed_at": moment_text(seal.sealed_at)}


def sign(seal: Seal, key: Ed25519PrivateKey) -> None:
    """Sets the digest and the signature of a seal whose other values are there."""
    text = seal_text(head_of(seal))
    seal.digest = hashlib.sha256(text).hexdigest()
    seal.signature = key.sign(text).hex()


def line_of(seal: Seal) -> bytes:
    """The line of a seal in the file, with its line feed."""
    return json.dumps(head_of(seal), separators=(",", ":")).encode() + b"\n"


def in_order(after: int = 0, using: str = DEFAULT_DB_ALIAS) -> Iterator[Seal]:
    """All seals after this number, a bounded number of them in memory."""
    seals = Seal.objects.using(using).order_by("number")
    while page := list(seals.filter(number__gt=after)[:_PAGE]):
        yield from page
        after = page[-1].number


def opened_heads(*, create: bool) -> AbstractContextManager[int]:
    """The descriptor of the file, for reading and appending. Raises FileProblem.

    Without `create` a missing file is a problem.
    """
    path = heads_path()
    if not (create or os.path.lexists(path)):
        raise SealProblem(
            f"{path} is missing, and seals are recorded: put it back from its backup, or run"
            " `seal_ledger --rewrite-heads`."
        )
    return opened_to_append(path, create=create)


def settle(descriptor: int, last: Seal | None) -> None:
    """Completes the file if a crash kept the last head out of it. Raises SealProblem.

    Reads the end of the file only: `verify_ledger` checks the whole. A crash loses one line at
    most, so a file that lacks more was cut.
    """
    path = heads_path()
    size = os.fstat(descriptor).st_size
    expected, before = line_of(last) if last else b"", b""
    end = os.pread(descriptor, 2 * _LONGEST_LINE, max(0, size - 2 * _LONGEST_LINE))
    if last is None:
        if end:
            raise SealProblem(f"{path} has heads, and no seal is recorded: is it another bank's?")
        return
    if end.endswith(expected):
        return
    if last.number > 1:
        before = line_of(Seal.objects.get(number=last.number - 1))
    whole, _, begun = end.rpartition(b"\n")
    whole = whole + b"\n" if whole else b""
    if not (expected.startswith(begun) and (whole.endswith(before) if before else not whole)):
        raise SealProblem(
            f"{path} does not end with the head of seal {last.number} or {last.number - 1}: it was"
            " cut or changed. Put it back from its backup; `verify_ledger` says where it differs."
        )
    cut(path, descriptor, size - len(begun))
    append(descriptor, last)


def append(descriptor: int, seal: Seal) -> None:
    """Appends a head. On return it is on the disk. Raises FileProblem."""
    line = line_of(seal)
    half = len(line) // 2
    with os_errors_as_file_problem(heads_path()):
        write_all(descriptor, line[:half])
        failpoint("seal.half_appended")
        write_all(descriptor, line[half:])
        failpoint("seal.appended")
        os.fsync(descriptor)
    failpoint("seal.synced")


def rewrite() -> int:
    """Writes the file again from the recorded seals, and keeps the file that is there beside it.

    Returns the number of lines. Raises FileProblem.
    """
    path, lines = heads_path(), 0
    if os.path.lexists(path):
        kept = path.with_name(f"{NAME}.replaced-{clock.now():%Y%m%dT%H%M%S%fZ}")
        with os_errors_as_file_problem(path):
            path.rename(kept)
    with write_atomically(path) as file:
        for seal in in_order():
            file.write(line_of(seal))
            lines += 1
    return lines


def differences(using: str = DEFAULT_DB_ALIAS) -> Iterator[tuple[int, str, str]]:
    """Where the file differs from the recorded seals: line, expected and found.

    Memory does not grow with the file. The first changed line, and the end, are what it finds: a
    line that was added or removed moves all that follow.
    """
    path = heads_path()
    seals = in_order(using=using)
    first = next(seals, None)
    if first is None and not os.path.lexists(path):
        return
    number = 0
    try:
        with os_errors_as_file_problem(path, "read"), path.open("rb") as file:
            seal = first
            while seal is not None:
                number = seal.number
                line = file.readline(_LONGEST_LINE)
                if line != line_of(seal):
                    yield number, line_of(seal).decode().rstrip(), _shown(line)
                    return
                seal = next(seals, None)
            if line := file.readline(_LONGEST_LINE):
                yield number + 1, "the end of the file", _shown(line)
    except FileProblem as error:
        yield number + 1, "a file that can be read", str(error)


def _shown(line: bytes) -> str:
    return line.decode(errors="backslashreplace").rstrip("\r\n") or "the end of the file"
