"""Makes seals: all entries since the last one, once each, whatever crashes.

A run reads a snapshot, so the bank goes on meanwhile, and no account is locked. One database
transaction stores the seal and its ranges: that commit seals them. Then the head is appended to
the file. If the process ends before, the next run appends it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from tempfile import TemporaryFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from core import clock
from core.contention import retrying
from core.failpoints import failpoint
from core.files import require_writable_folder
from core.identifiers import uuid7
from core.single_run import single_run
from core.snapshot import snapshot
from core.sql.bulk import BulkInsert, types_of
from seals import heads, keys
from seals.merkle import blocks_of, root_of
from seals.models import Seal, SealedRange
from seals.problems import SealProblem
from seals.trees import COLUMNS, LeafFile, collect

# Any constant not used by core.database, core.migration_lock and transactions.archive.
_ADVISORY_LOCK = 7_064_009
_BUSY = "Another run of seal_ledger is going on."
# SQLite's driver takes rows as a list.
_ROWS_AT_ONCE = 10_000

_insert = BulkInsert(SealedRange._meta.db_table, types_of(SealedRange, COLUMNS))


@dataclass(frozen=True, slots=True)
class SealOutcome:
    """The new seal; None if no account has moved. `last` is the newest seal by now, if any."""

    seal: Seal | None
    last: Seal | None


def seal(
    *,
    next_public_key: str = "",
    progress: Callable[[int], None] = lambda _entries: None,
    wanted: Callable[[], bool] = lambda: True,
) -> SealOutcome | None:
    """Seals all entries that are not sealed. None if that is not `wanted` once the lock is held.

    With `next_public_key` the seal announces the key that signs the seals after it, and is made
    even if nothing has moved. Calls `progress` with numbers of read entries.

    Raises FileBusy while another run goes on, and FileProblem for any other obstacle: nothing is
    sealed then, or the seal is whole and its head missing in the file.
    """
    path = heads.heads_path()
    require_writable_folder(path.parent)
    with single_run(path, number=_ADVISORY_LOCK, busy=_BUSY):
        if not wanted():
            return None
        last = last_seal()
        key = _key_after(last)
        # A crash may have kept the first head out of the file, and the file from being made.
        is_first = last is None or last.number == 1
        with heads.opened_heads(create=is_first) as descriptor:
            heads.settle(descriptor, last)
            made = _make(last, key, next_public_key, progress)
            if made is not None:
                heads.append(descriptor, made)
    return SealOutcome(made, made or last)


def change_key(progress: Callable[[int], None] = lambda _entries: None) -> SealOutcome | None:
    """Makes a new key. A key that exists announces it in a seal first.

    None if it is the first key, which needs no announcement. Raises SealProblem and FileProblem.
    """
    if not keys.key_path().exists() and last_seal() is None:
        keys.make_key(keys.key_path())
        return None
    keys.signing_key()
    public_key = keys.public_of(keys.make_key(keys.next_key_path()))
    failpoint("seal.key_made")
    outcome = seal(next_public_key=public_key, progress=progress)
    failpoint("seal.key_announced")
    keys.take_next_key()
    return outcome


def rewrite_heads() -> int:
    """Makes the file of heads again from the recorded seals. Returns the number of its lines.

    A file that is there is kept beside it, under another name. Raises FileProblem.
    """
    path = heads.heads_path()
    with single_run(path, number=_ADVISORY_LOCK, busy=_BUSY):
        return heads.rewrite()


def last_seal() -> Seal | None:
    return Seal.objects.order_by("-number").first()


def _key_after(last: Seal | None) -> Ed25519PrivateKey:
    """The key that signs the seal after this one. Raises SealProblem if the bank has another."""
    key = keys.signing_key()
    expected = last and (last.next_public_key or last.public_key)
    if expected is None or keys.public_of(key) == expected:
        return key
    waiting = keys.next_key_path()
    if waiting.exists() and keys.public_of(keys.read_key(waiting)) == expected:
        # The process ended after the announcement.
        return keys.take_next_key()
    raise SealProblem(
        f"The bank's key is {keys.public_of(key)}, and seal {last.number} promises {expected}."  # type: ignore[union-attr]
    )


def _make(
    last: Seal | None,
    key: Ed25519PrivateKey,
    next_public_key: str,
    progress: Callable[[int], None],
) -> Seal | None:
    with TemporaryFile() as file:
        leaves = LeafFile(file)
        with snapshot() as reader:
            # By the clock after the snapshot was taken: later than all that it has.
            sealed_at = clock.now()
            collect(reader, leaves, progress)
        if not leaves.leaves and not next_public_key:
            return None
        blocks = blocks_of(leaf.hash for leaf in leaves)
        made = Seal(
            id=uuid7(sealed_at),
            number=last.number + 1 if last else 1,
            sealed_at=max(sealed_at, last.sealed_at) if last else sealed_at,
            root=root_of(blocks).hex(),
            blocks=[one.hex() for one in blocks],
            ranges=leaves.leaves,
            entries=leaves.entries,
            total_entries=leaves.entries + (last.total_entries if last else 0),
            previous=last.digest if last else "",
            public_key=keys.public_of(key),
            next_public_key=next_public_key,
        )
        heads.sign(made, key)
        failpoint("seal.collected")
        retrying(lambda: _store(made, leaves))
    failpoint("seal.committed")
    return made


def _store(made: Seal, leaves: LeafFile) -> None:
    """Stores the seal and its ranges in one database transaction."""
    made.save(force_insert=True)
    failpoint("seal.stored")
    rows = (leaf.row(made.id, made.sealed_at, at) for at, leaf in enumerate(leaves))
    if connection.vendor == "postgresql":
        _insert(rows)
    else:
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            _insert(some)
    failpoint("seal.ranges_stored")


def announce(public_key: str) -> SealOutcome:
    """Announces the key of the next seals, whose private part is elsewhere. Raises SealProblem."""
    outcome = seal(next_public_key=public_key)
    assert outcome is not None, "It is always wanted."
    return outcome
