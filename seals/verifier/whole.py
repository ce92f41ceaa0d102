"""T1: the whole chain of seals, with every range and every sealed entry."""

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from seals.guards import RANGES, SEALS
from seals.heads import in_order
from seals.merkle import BLOCK, root_of
from seals.models import Seal, SealedRange
from seals.verifier.chain import check_seal
from seals.verifier.ranges import blocks_in, check_ranges
from transactions.verifier.report import Collector, Place
from transactions.verifier.rules import Pass, Rule

_WHERE = {
    "account_number": "account.number",
    "account_id": "leaf.account_id",
    "first_sequence": "leaf.first_sequence",
    "last_sequence": "leaf.last_sequence",
    "seal": "seal.number",
}
# Each range with the end of the one before it, of the same account.
_OF_ACCOUNTS = Pass(
    f"""(
        SELECT account_id, seal_id, first_sequence, last_sequence, position,
               lag(last_sequence, 1, CAST(0 AS bigint)) OVER in_order AS sealed_before
        FROM {RANGES} WINDOW in_order AS (PARTITION BY account_id ORDER BY last_sequence)
    ) AS leaf
    LEFT JOIN {SEALS} AS seal ON seal.id = leaf.seal_id
    LEFT JOIN accounts_account AS account ON account.id = leaf.account_id""",
    [
        Rule(
            code="T1.range_without_seal",
            says="Each range is part of a seal.",
            broken="seal.id IS NULL",
            where=_WHERE,
            expected="'a seal'",
            found="'none'",
        ),
        Rule(
            code="T1.range_without_account",
            says="Each range is of an account.",
            broken="account.id IS NULL",
            where=_WHERE,
            expected="'an account'",
            found="'none'",
        ),
        Rule(
            code="T1.range_not_connected",
            says="The ranges of an account join without a gap.",
            broken="leaf.first_sequence <> sealed_before + 1",
            where=_WHERE,
            expected="sealed_before + 1",
            found="leaf.first_sequence",
        ),
    ],
)


def check_seals(connection: BaseDatabaseWrapper, found: Collector) -> dict[str, int]:
    """Checks everything that is sealed. Memory does not grow with it."""
    _OF_ACCOUNTS.run(connection, found)
    counts = {"seals": 0, "sealed_entries": 0}
    before: Seal | None = None
    for seal in in_order(using=connection.alias):
        check_seal(seal, before, found)
        _check_tree(connection, seal, found)
        counts["seals"] += 1
        counts["sealed_entries"] += seal.entries
        before = seal
    return counts


def _check_tree(connection: BaseDatabaseWrapper, seal: Seal, found: Collector) -> None:
    blocks, ranges, entries = [], 0, 0
    recorded = blocks_in(seal)
    for number, block in enumerate(_blocks(connection, seal)):
        root = root_of(check_ranges(connection, block, found)).hex()
        blocks.append(root)
        ranges += len(block)
        entries += sum(one.last_sequence - one.first_sequence + 1 for one in block)
        kept = recorded[number] if number < len(recorded) else "none"
        if root != kept:
            found.add(
                "T1.ranges_changed",
                "The ranges of a seal never change.",
                Place(
                    {
                        "seal": seal.number,
                        "first_position": number * BLOCK,
                        "last_position": number * BLOCK + len(block) - 1,
                    },
                    kept,
                    root,
                ),
            )
    for code, says, expected, is_found in (
        ("T1.ranges_missing", "A seal has all its ranges.", seal.ranges, ranges),
        ("T1.entries_missing", "The ranges of a seal have its entries.", seal.entries, entries),
        (
            "T1.root",
            "The root of a seal is that of its ranges.",
            seal.root,
            root_of([bytes.fromhex(one) for one in blocks]).hex(),
        ),
    ):
        if expected != is_found:
            found.add(code, says, Place({"seal": seal.number}, str(expected), str(is_found)))


def _blocks(connection: BaseDatabaseWrapper, seal: Seal) -> Iterator[list[SealedRange]]:
    """The ranges of a seal in order, in blocks of the tree."""
    leaves = SealedRange.objects.using(connection.alias).filter(seal_id=seal.pk)
    after = -1
    while block := list(leaves.filter(position__gt=after).order_by("position")[:BLOCK]):
        yield block
        after = block[-1].position
