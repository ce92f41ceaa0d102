"""Makes seals: all entries since the last one, once each, whatever crashes.

A run reads a snapshot, so the bank goes on meanwhile, and no account is locked. One database
transaction stores the seal and its ranges: that commit seals them. Then the head is appended to
the file. If the process ends before, the next run appends it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

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
from seals.selectors import newest_seal
from seals.trees import COLUMNS, LeafFile, collect

# Any constant not used by core.database, core.migration_lock and transactions.archive.
_ADVISORY_LOCK = 7_064_009
_BUSY = "Another run of seal_ledger is going on."

_insert = BulkInsert(SealedRange._meta.db_table, types_of(SealedRange, COLUMNS))


@dataclass(frozen=True, slots=True)
class SealOutcome:
    """The new seal; None if no account has moved. `last` is the newest seal by now, if any."""

    seal: Seal | None
    last: Seal | None


@dataclass(frozen=True, slots=True)
class KeyChange:
    """The bank's key from now on, and the seal that announces it: None for the first key."""

    public_key: str
    announced_in: Seal | None
    # A run that was interrupted had announced it; this one has only put it in its place.
    announced_before: bool = False


def seal(
    *,
    next_key: Ed25519PrivateKey | None = None,
    progress: Callable[[int], None] = lambda _entries: None,
    wanted: Callable[[], bool] = lambda: True,
) -> SealOutcome | None:
    """Seals all entries that are not sealed. None if that is not `wanted` once the lock is held.

    With `next_key` the seal announces the key that signs the seals after it, and is made even if
    nothing has moved. It is the private key: a wrong public one would end the chain. Calls
    `progress` with numbers of read entries.

    Raises FileBusy while another run goes on, and FileProblem for any other obstacle: nothing is
    sealed then, or the seal is whole and its head missing in the file.
    """
    with _running():
        return _seal(keys.public_of(next_key) if next_key else "", progress) if wanted() else None


def change_key(progress: Callable[[int], None] = lambda _entries: None) -> KeyChange:
    """Makes a new key. A key that exists announces it in a seal first.

    If an interrupted run had announced its key, takes that one and makes no other: the announced
    key is never overwritten, as no other can go on with the chain. Raises FileBusy, SealProblem and
    FileProblem.
    """
    with _running():
        last = newest_seal()
        if last is None and not keys.has_key():
            return KeyChange(keys.public_of(keys.make_key(keys.key_path())), None)
        waited = keys.next_key_path().exists()
        key = _key_after(last)
        if last is not None and waited and not keys.next_key_path().exists():
            with _settled_heads(last):
                return KeyChange(keys.public_of(key), last, announced_before=True)
        public_key = keys.public_of(keys.make_key(keys.next_key_path()))
        failpoint("seal.key_made")
        made = _seal(public_key, progress).seal
        failpoint("seal.key_announced")
        keys.take_next_key()
    return KeyChange(public_key, made)


def rewrite_heads() -> int:
    """Makes the file of heads again from the recorded seals. Returns the number of its lines.

    A file that is there is kept beside it, under another name. Raises FileProblem.
    """
    with _running():
        return heads.rewrite()


@contextmanager
def _running() -> Iterator[None]:
    """Excludes every other run. Raises FileBusy and FileProblem."""
    path = heads.heads_path()
    require_writable_folder(path.parent)
    with single_run(path, number=_ADVISORY_LOCK, busy=_BUSY):
        yield


def _seal(next_public_key: str, progress: Callable[[int], None]) -> SealOutcome:
    last = newest_seal()
    key = _key_after(last)
    with _settled_heads(last) as descriptor:
        made = _make(last, key, next_public_key, progress)
        if made is not None:
            heads.append(descriptor, made)
    return SealOutcome(made, made or last)


@contextmanager
def _settled_heads(last: Seal | None) -> Iterator[int]:
    """The descriptor of the file of heads, which has the last one."""
    # A crash may have kept the first head out of the file, and the file from being made.
    is_first = last is None or last.number == 1
    with heads.opened_heads(create=is_first) as descriptor:
        heads.settle(descriptor, last)
        yield descriptor


def _key_after(last: Seal | None) -> Ed25519PrivateKey:
    """The key that signs the seal after this one. Raises SealProblem if the bank has another."""
    if last is None:
        return keys.signing_key()
    promised = last.promised_key
    key = keys.signing_key() if keys.has_key() else None
    if key is not None and keys.public_of(key) == promised:
        return key
    if not settings.SEAL_KEY and keys.is_waiting(promised):
        # The process ended after the announcement.
        return keys.take_next_key()
    has = f"The bank's key is {keys.public_of(key)}" if key else f"{keys.key_path()} has no key"
    raise SealProblem(
        f"{has}, and seal {last.number} promises {promised}. Put that key back from its backup;"
        " without it the chain ends."
    )


def _make(
    last: Seal | None,
    key: Ed25519PrivateKey,
    next_public_key: str,
    progress: Callable[[int], None],
) -> Seal | None:
    if last is not None and keys.public_of(key) != last.promised_key:
        raise SealProblem(f"Seal {last.number} promises another key than the one to sign with.")
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
    _insert(leaf.row(made.id, made.sealed_at, at) for at, leaf in enumerate(leaves))
    failpoint("seal.ranges_stored")
