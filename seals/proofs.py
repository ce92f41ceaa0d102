"""Proofs: the way from an entry of a transaction to the signed head of the seal that covers it.

A proof shows the entry, hashes, and the range that the entry is in. It shows no other entry, and
nothing of other accounts: every hash in it is salted. Only staff see which account is on the other
side: a customer must not learn the id of the bank's internal account.
"""

from typing import Any
from uuid import UUID

from django.db import connection

from core.errors import NotSealed
from core.money import to_units
from seals.canonical import DIGEST_FIELDS, ENTRY_FIELDS, digests, raw, salt
from seals.heads import head_of
from seals.journal import SealedEntry, Slice, entries_of
from seals.merkle import path_in_blocks, path_of
from seals.models import Seal, SealedRange
from seals.selectors import block_of
from seals.trees import Leaf, hashes_of
from transactions.reads.rows import EntryRow
from transactions.reads.selectors import TransactionDetail, transaction_detail
from transactions.states import TransactionStatus, TransactionType

FORMAT = "bank-proof-1"


def proof_of(user: Any, transaction_id: UUID) -> dict[str, Any]:
    """The proof of the entries that the user may see. Archived transactions have one as others do.

    Reads at most 1,024 entries and 1,024 ranges for each of its entries, however large the seal.
    Raises NotFound for invisible and missing transactions alike, and NotSealed.
    """
    detail = transaction_detail(user, transaction_id)
    if detail.row.status != TransactionStatus.COMPLETED:
        raise NotSealed("The transaction is not completed, so it has no entry to seal.")
    numbered = [entry for entry in detail.entries if entry.sequence is not None]
    found = [(entry, _range_of(entry)) for entry in numbered]
    if not found or any(one is None for _, one in found):
        raise NotSealed("The transaction comes after the last seal.")
    # Both entries commit together, so one seal covers them.
    seal = Seal.objects.get(pk=found[0][1].seal_id)  # type: ignore[union-attr]
    shown = _shown(detail)
    return {
        "format": FORMAT,
        "transaction_id": str(transaction_id),
        "seal": head_of(seal),
        "entries": [
            _entry(seal, one, entry.sequence or 0, shown) for entry, one in found if one is not None
        ],
    }


def _shown(detail: TransactionDetail) -> frozenset[str]:
    """Which of the DIGEST_FIELDS this reader sees the content of, by the purposes of their salts.

    Reasons of reversals and the other side are for staff.
    """
    if detail.own is None:
        return frozenset(DIGEST_FIELDS)
    return frozenset() if detail.row.type == TransactionType.REVERSAL else frozenset({"text"})


def _range_of(entry: EntryRow) -> SealedRange | None:
    ranges = SealedRange.objects.filter(account=entry.account_id, last_sequence__gte=entry.sequence)
    return ranges.order_by("last_sequence").first()


def leaf_of(one: SealedRange) -> Leaf:
    return Leaf(
        one.account_id,
        one.currency,
        one.first_sequence,
        one.last_sequence,
        to_units(one.balance),
        raw(one.entries_root),
        raw(one.secret),
    )


def _entry(seal: Seal, one: SealedRange, sequence: int, shown: frozenset[str]) -> dict[str, Any]:
    leaf = leaf_of(one)
    chosen = Slice(leaf.account_id, leaf.first, leaf.last)
    entries = list(entries_of(connection, [chosen]))
    hashes, _ = hashes_of(chosen, iter(entries), leaf.secret)
    index = sequence - leaf.first
    block = [leaf_of(each).hash for each in block_of(seal, one.position)]
    blocks = [raw(text) for text in seal.blocks]
    return {
        "entry": _fields(entries[index], leaf.secret),
        "entry_salt": salt(leaf.secret, f"entry {sequence}").hex(),
        **_hidden(entries[index], leaf.secret, shown),
        "entry_path": _hex(path_of(hashes, index)),
        "range": leaf.fields,
        "range_salt": salt(leaf.secret, "range").hex(),
        "range_index": one.position,
        "range_path": _hex(path_in_blocks(blocks, block, one.position)),
    }


def _fields(entry: SealedEntry, secret: bytes) -> dict[str, str]:
    values = entry.text.split("\n")
    hidden = digests(secret, entry.sequence, entry.description, entry.other)
    return {**dict(zip(ENTRY_FIELDS, values, strict=True)), **hidden}


def _hidden(entry: SealedEntry, secret: bytes, shown: frozenset[str]) -> dict[str, str | None]:
    """What the digests are of, and their salts; None for what is not `shown`."""
    found: dict[str, str | None] = {}
    for purpose, value, name, salt_name in (
        ("text", entry.description, "description", "description_salt"),
        ("other", entry.other, "other_account_id", "other_account_salt"),
    ):
        is_shown = purpose in shown
        found[name] = value if is_shown else None
        found[salt_name] = salt(secret, f"{purpose} {entry.sequence}").hex() if is_shown else None
    return found


def _hex(hashes: list[bytes]) -> list[str]:
    return [one.hex() for one in hashes]
