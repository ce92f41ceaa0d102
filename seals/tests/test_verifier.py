"""Each kind of damage to what is sealed is found and located."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from seals import keys
from seals.heads import heads_path, sign
from seals.models import Seal, SealedRange
from seals.tests.sealing_bank import SealedBank, made, make_sealed_bank, without_guards
from seals.verifier import recent, verify_since_seal
from seals.verifier.recent import SAMPLES
from tests.factories import deposit
from transactions.models import Transaction
from transactions.tests.archiving import take
from transactions.verifier import Report, verify

pytestmark = pytest.mark.django_db(transaction=True)

T, A, R, S = "transactions_transaction", "accounts_account", "seals_sealedrange", "seals_seal"


@dataclass
class SealDamage:
    """Statements, and the places expected: code, and values of its place. `short`: found since."""

    codes: set[str]
    statements: list[str]
    where: dict[str, Any] = field(default_factory=dict)
    short: set[str] | None = None


# {ada} and {transfer} are ids. Seal 1 has eight entries, seal 2 has one of Ada, and two are new.
DAMAGES: dict[str, SealDamage] = {
    "description": SealDamage(
        {"T1.entries_changed"},
        [f"UPDATE {T} SET description = 'Rent' WHERE id = {{deposit}}"],
        {"account_id": "ada", "first_sequence": 1, "last_sequence": 4},
    ),
    "value date": SealDamage(
        {"T1.entries_changed"},
        [f"UPDATE {T} SET created_at = '2020-01-01 00:00:00' WHERE id = {{deposit}}"],
        {"account_id": "ada", "first_sequence": 1},
    ),
    "an entry that is gone": SealDamage(
        {"T1.entry_missing"},
        [f"DELETE FROM {T} WHERE id = {{deposit}}"],
        {"account_id": "ada", "sequence": 1},
    ),
    "a range's root": SealDamage(
        {"T1.entries_changed", "T1.ranges_changed", "T1.root"},
        [f"UPDATE {R} SET entries_root = '{'0' * 64}' WHERE account_id = {{jun}}"],
        {"account_id": "jun", "first_sequence": 1, "last_sequence": 1},
    ),
    "a range's balance": SealDamage(
        {"T1.range_balance", "T1.ranges_changed", "T1.root"},
        [f"UPDATE {R} SET balance = balance + 1 WHERE account_id = {{jun}}"],
        {"account_id": "jun"},
        {"T2.balance_changed"},
    ),
    "a range's secret": SealDamage(
        {"T1.entries_changed", "T1.ranges_changed", "T1.root"},
        [f"UPDATE {R} SET secret = '{'0' * 64}' WHERE account_id = {{jun}}"],
        {"account_id": "jun"},
    ),
    "a range's secret that is no secret": SealDamage(
        {"T1.entries_changed", "T1.ranges_changed", "T1.root"},
        [f"UPDATE {R} SET secret = 'zz', currency = 'QQQ' WHERE account_id = {{jun}}"],
        {"account_id": "jun"},
    ),
    "a range that is gone": SealDamage(
        {"T1.ranges_changed", "T1.ranges_missing", "T1.entries_missing", "T1.root"},
        [f"DELETE FROM {R} WHERE account_id = {{jun}}"],
        {"seal": 1},
    ),
    "a gap between ranges": SealDamage(
        {"T1.range_not_connected", "T1.entry_missing", "T1.ranges_changed", "T1.root"},
        [f"UPDATE {R} SET first_sequence = 90, last_sequence = 90 WHERE first_sequence = 5"],
        {"account_id": "ada", "first_sequence": 90, "last_sequence": 90},
    ),
    "a range of another seal": SealDamage(
        {"T1.range_without_seal", "T1.ranges_changed", "T1.ranges_missing", "T1.entries_missing",
         "T1.root"},
        [f"UPDATE {R} SET seal_id = {{deposit}} WHERE account_id = {{jun}}"],
        {"account_id": "jun"},
    ),
    "a range of no account": SealDamage(
        {"T1.range_without_account", "T1.entry_missing", "T1.ranges_changed", "T1.root"},
        [f"UPDATE {R} SET account_id = {{deposit}} WHERE account_id = {{jun}}"],
        {"seal": 1, "first_sequence": 1},
    ),
    "a seal's root": SealDamage(
        {"T1.root", "T1.digest", "T1.signature", "T1.heads"},
        [f"UPDATE {S} SET root = '{'0' * 64}' WHERE number = 1"],
        {"seal": 1},
        {"T1.digest", "T1.signature", "T1.heads"},
    ),
    "a seal's blocks": SealDamage(
        {"T1.ranges_changed"},
        [f"UPDATE {S} SET blocks = '[\"00\"]' WHERE number = 1"],
        {"seal": 1, "first_position": 0, "last_position": 2},
    ),
    "a seal's blocks of another shape": SealDamage(
        {"T1.ranges_changed"},
        [f"UPDATE {S} SET blocks = '7' WHERE number = 1"],
        {"seal": 1, "first_position": 0, "last_position": 2},
    ),
    "a seal's blocks of other things": SealDamage(
        {"T1.ranges_changed"},
        [f"UPDATE {S} SET blocks = '[1, null]' WHERE number = 1"],
        {"seal": 1, "first_position": 0, "last_position": 2},
    ),
    "a range without end": SealDamage(
        {"T1.range_length", "T1.ranges_changed", "T1.entries_missing", "T1.root"},
        [f"UPDATE {R} SET last_sequence = 9000000000000000000 WHERE account_id = {{jun}}"],
        {"account_id": "jun", "first_sequence": 1},
        {"T2.behind_its_seal"},
    ),
    "a seal's time": SealDamage(
        {"T1.digest", "T1.signature", "T1.heads"},
        [f"UPDATE {S} SET sealed_at = '2020-01-01 00:00:00' WHERE number = 2"],
        {"seal": 2},
        {"T1.digest", "T1.signature", "T1.heads"},
    ),
    "a seal's signature": SealDamage(
        {"T1.signature", "T1.heads"},
        [f"UPDATE {S} SET signature = '{'0' * 128}' WHERE number = 2"],
        {"seal": 2},
        {"T1.signature", "T1.heads"},
    ),
    "a seal's counts": SealDamage(
        {"T1.total_entries", "T1.digest", "T1.signature", "T1.heads"},
        [f"UPDATE {S} SET total_entries = 10 WHERE number = 2"],
        {"seal": 2},
        {"T1.total_entries", "T1.digest", "T1.signature", "T1.heads"},
    ),
    "a seal that is gone": SealDamage(
        {"T1.seal_missing", "T1.not_chained", "T1.total_entries", "T1.heads",
         "T1.range_without_seal"},
        [f"DELETE FROM {S} WHERE number = 1"],
        {"seal": 2},
        {"T1.seal_missing", "T1.not_chained", "T1.total_entries", "T1.heads"},
    ),
}  # fmt: skip


@pytest.fixture
def bank(keyed: Path) -> SealedBank:
    """Two seals, the first of them archived, and two entries after them."""
    bank = make_sealed_bank()
    made()
    take()
    deposit(bank.ada, 5)
    made()
    deposit(bank.ada, 6)
    deposit(bank.bob, 7)
    assert verify().ok
    assert verify_since_seal().ok
    return bank


def damage(bank: SealedBank, *statements: str) -> None:
    """Runs the statements without guards. Their constraints still hold."""
    names = {name: f"'{pk.hex}'" for name, pk in bank.ids.items()}
    accounts = {"ada": bank.ada, "bob": bank.bob, "jun": bank.jun}
    names |= {name: f"'{account.id.hex}'" for name, account in accounts.items()}
    with without_guards(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            cursor.execute(statement.format(**names))
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def codes(report: Report, family: str = "T") -> set[str]:
    return {one.code for one in report.findings if one.code.startswith(family)}


def require_place(report: Report, bank: SealedBank, where: dict[str, Any]) -> None:
    accounts = {"ada": str(bank.ada.id), "bob": str(bank.bob.id), "jun": str(bank.jun.id)}
    wanted = {name: accounts.get(str(value), value) for name, value in where.items()}
    places = [place.where for finding in report.findings for place in finding.places]
    assert [one for one in places if wanted.items() <= one.items()], places


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_found_and_located(name: str, bank: SealedBank) -> None:
    expected = DAMAGES[name]
    damage(bank, *expected.statements)
    report = verify()
    assert codes(report) == expected.codes
    require_place(report, bank, expected.where)
    if expected.short is not None:
        assert codes(verify_since_seal()) >= expected.short


def test_the_sample_finds_what_it_meets(bank: SealedBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal 1 has three ranges: a large sample meets each."""
    monkeypatch.setattr(recent, "SAMPLES", 30 * SAMPLES)
    damage(bank, f"UPDATE {T} SET description = 'Rent' WHERE id = {{deposit}}")
    report = verify_since_seal()
    assert codes(report) == {"T1.entries_changed"}
    require_place(report, bank, {"account_id": "ada", "first_sequence": 1})


@pytest.mark.parametrize(("entries", "ranges"), [(1, 1), (9, 4)])
def test_the_sample_ends_once_it_has_enough_entries(
    entries: int, ranges: int, bank: SealedBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The four sealed ranges have nine entries together."""
    monkeypatch.setattr(recent, "SAMPLES", 30 * SAMPLES)
    monkeypatch.setattr(recent, "SAMPLED_ENTRIES", entries)
    assert verify_since_seal().checked["sampled_ranges"] == ranges


RECENT: dict[str, tuple[str, str]] = {
    "T2.balance_does_not_follow": (
        f"UPDATE {T} SET amount = amount + 1 WHERE credit_sequence = 6",
        "ada",
    ),
    "T2.sequence": (
        f"DELETE FROM {T} WHERE credit_account_id = {{bob}} AND credit_sequence = 4", "bob"
    ),
    "T2.balance_is_not_the_last": (
        f"UPDATE {A} SET balance = balance + 1 WHERE id = {{bob}}", "bob"
    ),
    "T2.balance_changed": (f"UPDATE {A} SET balance = balance + 1 WHERE id = {{jun}}", "jun"),
    "T2.behind_its_seal": (f"UPDATE {A} SET last_sequence = 1 WHERE id = {{ada}}", "ada"),
    "T2.amount": (
        f"UPDATE {T} SET currency = 'EUR' WHERE credit_sequence = 6",
        "ada",
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", RECENT)
def test_what_came_after_the_seal_is_checked(code: str, bank: SealedBank) -> None:
    statement, name = RECENT[code]
    damage(bank, statement)
    report = verify_since_seal()
    assert code in codes(report)
    require_place(report, bank, {"account_id": name})


def test_an_account_that_claims_entries_beyond_count(bank: SealedBank) -> None:
    """The walk ends at the first one that is missing: there are a trillion slices to read."""
    damage(bank, f"UPDATE {A} SET last_sequence = {10**15} WHERE id IN ({{ada}}, {{jun}})")
    report = verify_since_seal()
    (finding,) = [one for one in report.findings if one.code == "T2.sequence"]
    assert [(place.expected, place.found) for place in finding.places] == [
        ("7", "none"),
        ("2", "none"),
    ]
    assert report.checked["new_entries"] == 2


def rewrite(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: lines[:1], 2),
        (lambda lines: lines[:0], 1),
        (lambda lines: [lines[0], lines[1][:-30]], 2),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0].replace(b"1", b"2", 1), lines[1]], 1),
        (lambda lines: [*lines, lines[1]], 3),
        (lambda lines: [*lines, b"x"], 3),
        (lambda lines: [lines[0], b"\xff\n", lines[1]], 2),
    ],
    ids=["cut", "empty", "cut line", "first gone", "edited", "twice", "more", "no text"],
)
def test_a_changed_file_of_heads(
    change: Callable[[list[bytes]], list[bytes]], line: int, bank: SealedBank
) -> None:
    rewrite(heads_path(), change)
    for report in (verify(), verify_since_seal()):
        assert codes(report) == {"T1.heads"}
        require_place(report, bank, {"file": "seals.jsonl", "line": line})


def test_a_file_of_heads_that_is_gone(bank: SealedBank) -> None:
    heads_path().unlink()
    assert codes(verify()) == {"T1.heads"}


def test_a_host_that_never_sealed_has_no_file_to_compare(bank: SealedBank) -> None:
    """Such as one that tries a backup out: it has neither the file nor the key."""
    heads_path().unlink()
    keys.key_path().unlink()
    assert verify().ok


def test_a_swapped_key(bank: SealedBank) -> None:
    """A seal that someone signs again with another key, with a digest that fits."""
    key = keys.make_key(keys.next_key_path())
    keys.next_key_path().replace(keys.key_path())
    seal = Seal.objects.get(number=2)
    seal.public_key = keys.public_of(key)
    sign(seal, key)
    damage(
        bank,
        f"UPDATE {S} SET public_key = '{seal.public_key}', digest = '{seal.digest}',"
        f" signature = '{seal.signature}' WHERE number = 2",
    )
    report = verify()
    assert codes(report) == {"T1.key_not_announced", "T1.heads"}
    require_place(report, bank, {"seal": 2})


def test_another_key_in_the_place_of_the_banks(bank: SealedBank) -> None:
    keys.make_key(keys.key_path())
    report = verify()
    assert codes(report) == {"T1.own_key"}
    require_place(report, bank, {"seal": 2})
    keys.key_path().unlink()
    assert verify().ok


def test_a_forged_entry_with_a_forged_range(bank: SealedBank) -> None:
    """Someone who changes an entry and its range alike still meets the root, which is signed."""
    from seals.journal import Slice, entries_of
    from seals.merkle import root_of
    from seals.trees import entry_hashes

    damage(bank, f"UPDATE {T} SET description = 'Rent' WHERE id = {{yen}}")
    leaf = SealedRange.objects.get(account=bank.jun)
    entries = list(entries_of(connection, [Slice(bank.jun.id, 1, 1)]))
    root = root_of(entry_hashes(entries, bytes.fromhex(leaf.secret))).hex()
    damage(bank, f"UPDATE {R} SET entries_root = '{root}' WHERE account_id = {{jun}}")
    report = verify()
    assert codes(report) == {"T1.ranges_changed", "T1.root"}
    require_place(report, bank, {"seal": 1})


def test_the_command_says_what_it_checked(bank: SealedBank, capsys: Any) -> None:
    from transactions.models import Verification

    before = Verification.objects.count()
    call_command("verify_ledger", "--since-seal")
    said = capsys.readouterr().out
    assert said.startswith("Checked: 2 seals, 2 new entries, ")
    assert "Nothing found" in said
    assert Verification.objects.count() == before
    damage(bank, f"UPDATE {A} SET balance = balance + 1 WHERE id = {{jun}}")
    with pytest.raises(SystemExit) as raised:
        call_command("verify_ledger", "--since-seal")
    assert raised.value.code == 1


def test_archived_entries_are_checked_as_others_are(bank: SealedBank) -> None:
    assert Transaction.objects.exclude(archived_at=None).exists()
    damage(bank, f"UPDATE {T} SET description = 'Rent' WHERE id = {{withdrawal}}")
    assert codes(verify()) == {"T1.entries_changed"}
