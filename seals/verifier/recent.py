"""T2: what has come since the last seal, and T1 of a sample of what came before it.

The price follows from the new entries and the number of accounts, not from the whole journal. The
seals answer for the rest, so this proves less than a whole verification.
"""

import secrets
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

from core import replica
from core.money import from_units
from core.snapshot import snapshot
from seals.canonical import raw
from seals.guards import RANGES
from seals.journal import Moved, SealedEntry, entries_of
from seals.merkle import BLOCK, root_of
from seals.models import Seal
from seals.proofs import leaf_of
from seals.selectors import block_of
from seals.trees import LONGEST_RANGE, parts
from seals.verifier.chain import check_seal
from seals.verifier.heads import check_files
from seals.verifier.ranges import blocks_in, check_ranges
from transactions.verifier.report import Collector, Place, Report
from transactions.verifier.rules import Pass, Rule

SAMPLES = 20
# Ranges are short where seals are made often, and have up to LONGEST_RANGE entries elsewhere. A
# sample that has so many entries takes no further range.
SAMPLED_ENTRIES = 4_000
_LAST_SEALS = 100

_WHERE = {"account_number": "account.number", "account_id": "account.id"}
# Accounts as their last ranges have them. Those with newer entries are walked through.
# An index finds the last range of each: there are many more ranges than accounts.
_SEALED_ACCOUNTS = Pass(
    f"""(
        SELECT account.id, account.number, account.balance, account.last_sequence,
            (SELECT max(sealed.last_sequence) FROM {RANGES} AS sealed
             WHERE sealed.account_id = account.id) AS sealed_sequence
        FROM accounts_account AS account
    ) AS account
    LEFT JOIN {RANGES} AS leaf
        ON leaf.account_id = account.id AND leaf.last_sequence = account.last_sequence""",
    [
        Rule(
            code="T2.balance_changed",
            says="An account without newer entries has its sealed balance.",
            broken="account.balance <> leaf.balance",
            where=_WHERE,
            expected="leaf.balance",
            found="account.balance",
            in_units=True,
        ),
        Rule(
            code="T2.behind_its_seal",
            says="An account has all entries that are sealed.",
            broken="account.last_sequence < account.sealed_sequence",
            where=_WHERE,
            expected="account.sealed_sequence",
            found="account.last_sequence",
        ),
    ],
)


def verify_since_seal(using: str = DEFAULT_DB_ALIAS) -> Report:
    """Checks what the last seal does not cover, and a random sample of what seals cover."""
    return replica.read_in_batch(partial(_verify, using))


def _verify(using: str) -> Report:
    found = Collector()
    with snapshot(using) as connection:
        checked = _check(connection, found)
    check_files(found)
    return Report(checked=checked, findings=found.findings(), damaged=found.damaged)


def _check(connection: BaseDatabaseWrapper, found: Collector) -> dict[str, int]:
    newest = list(Seal.objects.using(connection.alias).order_by("-number")[: _LAST_SEALS + 1])
    for index, seal in enumerate(newest[:_LAST_SEALS]):
        before = newest[index + 1] if index + 1 < len(newest) else None
        check_seal(seal, before, found)
    _SEALED_ACCOUNTS.run(connection, found)
    entries = _check_accounts(connection, found)
    samples = _check_samples(connection, newest[0], found) if newest else 0
    return {
        "seals": min(len(newest), _LAST_SEALS),
        "new_entries": entries,
        "sampled_ranges": samples,
    }


def _check_accounts(connection: BaseDatabaseWrapper, found: Collector) -> int:
    """Walks through the new entries of each account, up to the first missing one. Returns their
    number.
    """
    entries = 0
    walks: dict[UUID, _Walk] = {}
    broken: set[UUID] = set()
    for part in parts(connection, given_up=broken):
        for one, moved in part:
            if one.account_id not in walks:
                walks[one.account_id] = _Walk(moved, found)
        for entry in entries_of(connection, [one for one, _ in part]):
            walks[entry.account_id].step(entry)
            entries += 1
        for one, _ in part:
            if walks[one.account_id].is_broken_before(one.last):
                broken.add(one.account_id)
        # The last account may go on in the next part.
        last_one, _ = part[-1]
        going_on = walks.pop(last_one.account_id)
        for walk in walks.values():
            walk.end()
        walks = {last_one.account_id: going_on}
    for walk in walks.values():
        walk.end()
    return entries


class _Walk:
    """A walk along the entries of an account: each follows from the one before it."""

    def __init__(self, moved: Moved, found: Collector) -> None:
        self._moved = moved
        self._balance = from_units(moved.sealed_balance)
        self._sequence = moved.sealed
        self._posted_at = ""
        self._is_broken = False
        self._found = found

    def step(self, entry: SealedEntry) -> None:
        if self._is_broken or self._is_missing(self._sequence + 1, entry.sequence):
            return
        self._sequence = entry.sequence
        if not entry.text or not entry.other:
            self._add("T2.incomplete", "An entry has all its values.", "all", "not all")
            return
        fields = entry.text.split("\n")
        side, amount, currency, posted_at = fields[4], fields[5], fields[6], fields[-1]
        balance = from_units(entry.balance_after)
        expected = self._balance + Decimal(amount)
        if balance != expected:
            self._add("T2.balance_does_not_follow",
                      "Each balance after is the one before it, changed by the amount.",
                      expected, balance)  # fmt: skip
        if currency != self._moved.currency or (side == "DEBIT") != amount.startswith("-"):
            self._add("T2.amount", "An amount is in the account's currency, above zero.",
                      self._moved.currency, f"{amount} {currency}")  # fmt: skip
        if posted_at < self._posted_at:
            self._add("T2.posting_time_runs_backwards",
                      "The time of posting never runs backwards along the sequence.",
                      self._posted_at, posted_at)  # fmt: skip
        self._balance, self._posted_at = balance, posted_at

    def is_broken_before(self, last: int) -> bool:
        """Whether an entry is missing up to this sequence, all entries until there being read.

        Nothing that follows such an entry can be judged.
        """
        if not self._is_broken and self._sequence < last:
            self._is_missing(self._sequence + 1, None)
        return self._is_broken

    def _is_missing(self, expected: int, sequence: int | None) -> bool:
        self._is_broken = sequence != expected
        if self._is_broken:
            self._add("T2.sequence", "Sequences run on from the sealed ones.", expected,
                      "none" if sequence is None else sequence)  # fmt: skip
        return self._is_broken

    def end(self) -> None:
        if not self._is_broken and (balance := from_units(self._moved.balance)) != self._balance:
            self._add("T2.balance_is_not_the_last",
                      "A balance is the balance after the account's last entry.",
                      self._balance, balance)  # fmt: skip

    def _add(self, code: str, says: str, expected: object, found: object) -> None:
        where: dict[str, str | int] = {
            "account_id": str(self._moved.id),
            "sequence": self._sequence,
        }
        self._found.add(code, says, Place(where, str(expected), str(found)))


def _check_samples(connection: BaseDatabaseWrapper, newest: Seal, found: Collector) -> int:
    """Checks random sealed ranges, each with its way up to its seal. Returns their number.

    They are 20 at most, and no more than `SAMPLED_ENTRIES` need.
    """
    checked: set[tuple[int, int]] = set()
    entries = 0
    for seal, position in _samples(connection, newest):
        if entries >= SAMPLED_ENTRIES:
            break
        if (seal.number, position) in checked:
            continue
        checked.add((seal.number, position))
        number = position // BLOCK
        block = block_of(seal, position, connection.alias)
        its_own = [one for one in block if one.position == position]
        # A damaged range may claim any number.
        entries += sum(
            min(max(one.last_sequence - one.first_sequence + 1, 0), LONGEST_RANGE)
            for one in its_own
        )
        check_ranges(connection, its_own, found)
        root = root_of([leaf_of(one).hash for one in block]).hex()
        recorded = blocks_in(seal)
        blocks = [raw(one) for one in recorded]
        if root not in recorded[number : number + 1] or root_of(blocks).hex() != seal.root:
            found.add(
                "T1.ranges_changed",
                "The ranges of a seal never change.",
                Place({"seal": seal.number, "position": position}, seal.root, root),
            )
    return len(checked)


def _samples(connection: BaseDatabaseWrapper, newest: Seal) -> Iterator[tuple[Seal, int]]:
    """Random ranges. An entry's seal is as likely as it has entries."""
    seals = Seal.objects.using(connection.alias).order_by("number")
    for _ in range(SAMPLES if newest.total_entries else 0):
        entry = secrets.randbelow(newest.total_entries)
        seal = seals.filter(total_entries__gt=entry).first()
        if seal is not None and seal.ranges:
            yield seal, secrets.randbelow(seal.ranges)
