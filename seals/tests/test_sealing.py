"""Seals cover each entry once, in a chain, and refuse what they must not cover."""

import base64
import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.files import FileBusy, exclusive
from seals import journal, keys, trees
from seals.heads import heads_path, line_of
from seals.models import Seal, SealedRange
from seals.problems import SealProblem
from seals.sealing import change_key, rewrite_heads, seal
from seals.tests.sealing_bank import made, make_sealed_bank, require_sealed, without_guards
from tests.factories import deposit, make_account

pytestmark = pytest.mark.django_db(transaction=True)


def ranges(number: int) -> list[tuple[Any, ...]]:
    rows = SealedRange.objects.filter(seal__number=number).order_by("position")
    return list(rows.values_list("account_id", "first_sequence", "last_sequence"))


def command(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command("seal_ledger", "--json", *words, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_seal_covers_what_moved_since_the_last(keyed: Path) -> None:
    bank = make_sealed_bank()
    first = made()
    assert (first.ranges, first.entries, first.total_entries) == (3, 8, 8)
    counts = {bank.ada.id: 4, bank.bob.id: 3, bank.jun.id: 1}
    assert ranges(1) == [(one, 1, counts[one]) for one in sorted(counts)]
    deposit(bank.bob, 1)
    deposit(bank.bob, 2)
    second = made()
    assert ranges(2) == [(bank.bob.id, 4, 5)]
    assert (second.entries, second.total_entries) == (2, 10)
    require_sealed()


def test_without_new_entries_there_is_no_seal(keyed: Path) -> None:
    assert command() == {"seal": None}
    make_account()
    assert command() == {"seal": None}
    make_account(balance=1)
    assert command()["seal"]["number"] == 1
    assert command() == {"seal": None}
    require_sealed()


def test_many_entries_of_an_account_are_several_ranges(
    keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "LONGEST_RANGE", 2)
    monkeypatch.setattr(journal, "_ENTRIES_AT_ONCE", 3)
    bank = make_sealed_bank()
    made()
    found = sorted((first, last) for pk, first, last in ranges(1) if pk == bank.ada.id)
    assert found == [(1, 2), (3, 4)]
    require_sealed()


def test_damaged_books_are_not_sealed(keyed: Path) -> None:
    bank = make_sealed_bank()
    with without_guards(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE accounts_account SET balance = balance + 1 WHERE number = '{bank.ada.number}'"
        )
    with pytest.raises(SealProblem, match=f"The balance of account {bank.ada.id}"):
        seal()
    with without_guards(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_account SET balance = balance - 1, last_sequence = last_sequence + 1"
            f" WHERE number = '{bank.ada.number}'"
        )
    with pytest.raises(SealProblem, match=f"Account {bank.ada.id} has no entry 5"):
        seal()
    assert not Seal.objects.exists()
    assert heads_path().read_bytes() == b""


# Keys ---------------------------------------------------------------------------------------------


def test_without_a_key_it_says_how_to_make_one(folder: Path) -> None:
    with pytest.raises(CommandError, match="`seal_ledger --new-key` makes one"):
        call_command("seal_ledger")


def test_the_first_key_needs_no_announcement(folder: Path) -> None:
    made_key = command("--new-key")["public_key"]
    assert keys.public_of(keys.signing_key()) == made_key
    assert keys.key_path().stat().st_mode & 0o777 == 0o600
    make_account(balance=1)
    assert made().public_key == made_key


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
def test_a_key_that_everybody_may_read_is_refused(keyed: Path, mode: int) -> None:
    keys.key_path().chmod(mode)
    with pytest.raises(SealProblem, match="open to everybody"):
        seal()
    keys.key_path().chmod(0o640)
    assert seal() is not None


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_file_without_a_key_is_refused(folder: Path, content: bytes) -> None:
    keys.key_path().write_bytes(content)
    keys.key_path().chmod(0o600)
    with pytest.raises(SealProblem, match="holds no Ed25519 key"):
        seal()


def test_a_new_key_is_announced_under_the_old_one(keyed: Path) -> None:
    make_account(balance=1)
    first = made()
    assert change_key().announced_in is not None
    second = Seal.objects.get(number=2)
    assert (second.public_key, second.ranges) == (first.public_key, 0)
    assert second.next_public_key == keys.public_of(keys.signing_key()) != first.public_key
    assert not keys.next_key_path().exists()
    make_account(balance=1)
    assert made().public_key == second.next_public_key
    require_sealed()


def test_a_swapped_key_is_refused(keyed: Path) -> None:
    make_account(balance=1)
    made()
    keys.make_key(keys.key_path())
    make_account(balance=1)
    with pytest.raises(SealProblem, match="seal 1 promises"):
        seal()
    assert Seal.objects.count() == 1


def test_a_key_of_the_environment_is_announced_from_a_file(
    keyed: Path, settings: Any, tmp_path: Path
) -> None:
    make_account(balance=1)
    made()
    other = keys.make_key(tmp_path / "other.pem")
    announced = command("--next-key", str(tmp_path / "other.pem"))["seal"]
    assert announced["next_public_key"] == keys.public_of(other)
    with pytest.raises(SealProblem, match=r"seal 2 promises .* without it the chain ends"):
        seal()
    settings.SEAL_KEY = other.private_bytes_raw()
    assert len(base64.b64encode(settings.SEAL_KEY)) == 44
    make_account(balance=1)
    assert made().public_key == keys.public_of(other)
    with pytest.raises(CommandError, match="BANK_SEAL_KEY holds the key"):
        call_command("seal_ledger", "--new-key")
    require_sealed()


@pytest.mark.parametrize("content", [None, b"0" * 64])
def test_only_a_key_that_is_there_is_announced(
    keyed: Path, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "next.pem"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(CommandError, match=r"next\.pem"):
        call_command("seal_ledger", "--next-key", str(path))
    assert not Seal.objects.exists()


def test_a_lost_key_is_put_back_and_not_made_again(keyed: Path) -> None:
    make_account(balance=1)
    made()
    keys.key_path().unlink()
    for words in ((), ("--new-key",)):
        with pytest.raises(CommandError, match="back from its backup; without it the chain ends"):
            call_command("seal_ledger", *words)
    assert not keys.key_path().exists()


def announced_but_not_taken() -> str:
    """A bank whose run ended after the announcement. Returns the public key that waits."""
    make_account(balance=1)
    made()
    waiting = keys.make_key(keys.next_key_path())
    seal(next_key=waiting)
    return keys.public_of(waiting)


def test_an_announced_key_is_taken_and_never_overwritten(keyed: Path) -> None:
    waiting = announced_but_not_taken()
    assert command("--new-key")["public_key"] == waiting
    assert keys.public_of(keys.read_key(keys.key_path())) == waiting
    assert Seal.objects.count() == 2
    make_account(balance=1)
    assert made().public_key == waiting
    assert command("--new-key")["public_key"] != waiting
    require_sealed()


def test_a_key_of_the_environment_does_not_sign_for_the_one_that_waits(
    keyed: Path, settings: Any
) -> None:
    settings.SEAL_KEY = keys.signing_key().private_bytes_raw()
    waiting = announced_but_not_taken()
    make_account(balance=1)
    with pytest.raises(SealProblem, match="seal 2 promises"):
        seal()
    assert Seal.objects.count() == 2
    assert keys.public_of(keys.take_next_key()) == waiting
    settings.SEAL_KEY = b""
    assert made().public_key == waiting


# The file of heads --------------------------------------------------------------------------------


def two_seals() -> tuple[bytes, bytes]:
    """The lines of two seals."""
    for _ in range(2):
        make_account(balance=1)
        made()
    first, second = Seal.objects.order_by("number")
    return line_of(first), line_of(second)


@pytest.mark.parametrize("part", [0, 1, 300])
def test_a_head_that_a_crash_kept_out_is_appended(keyed: Path, part: int) -> None:
    first, second = two_seals()
    heads_path().write_bytes(first + second[:part])
    assert command() == {"seal": None}
    require_sealed()


def test_the_first_head_and_the_file_itself_may_be_missing(keyed: Path) -> None:
    make_account(balance=1)
    made()
    heads_path().unlink()
    assert command() == {"seal": None}
    require_sealed()


def test_a_cut_or_changed_file_is_refused(keyed: Path) -> None:
    first, second = two_seals()
    make_account(balance=1)
    for bad in (
        b"",
        first[:-1],
        first + second.replace(b"1", b"2", 1),
        first + first + b"x",
        first + second + b"x\n",
        b"\n" * 10_000,
    ):
        heads_path().write_bytes(bad)
        with pytest.raises(SealProblem, match="was cut or changed"):
            seal()
        assert heads_path().read_bytes() == bad
    heads_path().unlink()
    with pytest.raises(SealProblem, match="is missing"):
        seal()
    assert Seal.objects.count() == 2
    assert rewrite_heads() == 2
    made()
    require_sealed()


def test_rewriting_keeps_the_file_that_is_there(keyed: Path) -> None:
    two_seals()
    heads_path().write_bytes(b"changed")
    assert command("--rewrite-heads") == {"heads": 2}
    (kept,) = keyed.glob("seals.jsonl.replaced-*")
    assert kept.read_bytes() == b"changed"
    require_sealed()


def test_heads_of_another_bank_are_refused(keyed: Path) -> None:
    heads_path().write_bytes(b"{}\n")
    make_account(balance=1)
    with pytest.raises(SealProblem, match="is it another bank's"):
        seal()


def test_a_link_is_not_followed(keyed: Path) -> None:
    heads_path().symlink_to(keyed / "elsewhere")
    make_account(balance=1)
    with pytest.raises(Exception, match="symbolic link"):
        seal()


def test_the_second_of_two_is_told(keyed: Path) -> None:
    make_account(balance=1)
    lock = heads_path().with_name(f".{heads_path().name}.lock")
    with exclusive(lock, "taken"), pytest.raises(FileBusy, match="Another run of seal_ledger"):
        seal()
    with exclusive(lock, "taken"), pytest.raises(CommandError) as raised:
        call_command("seal_ledger")
    assert raised.value.returncode == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(keyed: Path) -> None:
    keyed.chmod(0o500)
    try:
        with pytest.raises(Exception, match="cannot be written to"):
            seal()
    finally:
        keyed.chmod(0o700)
