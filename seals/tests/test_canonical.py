"""The canonical texts, byte by byte: a reader of docs/seals.md must come to the same hashes."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection

from accounts.models import Account
from seals.canonical import entry_hash, seal_text
from seals.heads import head_of
from seals.journal import Slice, entries_of
from seals.tests.sealing_bank import made, make_sealed_bank
from tests.factories import make_account
from transactions.models import Transaction
from transactions.tests.archiving import take

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def texts_of(account: Account) -> list[str]:
    account.refresh_from_db()
    chosen = [Slice(account.id, 1, account.last_sequence or 0)]
    return [one.text for one in entries_of(connection, chosen)]


def test_the_text_of_an_entry(folder: Path) -> None:
    with time_machine.travel(AT, tick=False):
        bank = make_sealed_bank()
    transfer = Transaction.objects.get(pk=bank.ids["transfer"])
    assert transfer.completed_at is not None
    posted = f"{transfer.completed_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    made_at = f"{transfer.created_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    effective = f"{transfer.effective_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    sides = (
        (bank.ada, "DEBIT", "-30.50", "69.50", 1),
        (bank.bob, "CREDIT", "30.50", "37.75", 1),
    )
    for account, side, amount, balance, at in sides:
        assert texts_of(account)[at].split("\n") == [
            str(account.id), str(at + 1), str(transfer.id), "TRANSFER", side, amount, "USD",
            balance, "", effective, made_at, posted,
        ]  # fmt: skip
    chosen = [Slice(bank.ada.id, 2, 2)]
    assert [one.other for one in entries_of(connection, chosen)] == [str(bank.bob.id)]
    (yen,) = texts_of(bank.jun)
    assert yen.split("\n")[5:8] == ["700", "JPY", "700"]
    reversal = texts_of(bank.ada)[-1].split("\n")
    assert (reversal[3], reversal[8]) == ("REVERSAL", str(bank.ids["transfer"]))


def test_the_hash_of_an_entry_is_made_by_hand() -> None:
    secret = bytes(range(32))
    entry_salt = hmac.new(secret, b"entry 7", "sha256").digest()
    text_salt = hmac.new(secret, b"text 7", "sha256").digest()
    words = hashlib.sha256(text_salt + "für €".encode()).hexdigest()
    other_salt = hmac.new(secret, b"other 7", "sha256").digest()
    other = hashlib.sha256(other_salt + b"0-1").hexdigest()
    leaf = b"\x00" + entry_salt + f"bank-entry-1\na\nb\n{words}\n{other}".encode()
    assert entry_hash(secret, 7, "a\nb", "für €", "0-1") == hashlib.sha256(leaf).digest()


def test_the_text_of_a_seal(keyed: Path) -> None:
    make_account(balance=5)
    seal = made()
    head = head_of(seal)
    assert seal_text(head).decode().split("\n") == [
        "bank-seal-1", "1", str(head["sealed_at"]), seal.root, "1", "1", "1", "", seal.public_key,
        "",
    ]  # fmt: skip
    assert hashlib.sha256(seal_text(head)).hexdigest() == seal.digest


def test_an_archived_transaction_has_the_same_entries(keyed: Path) -> None:
    bank = make_sealed_bank()
    before = texts_of(bank.ada)
    take()
    assert Transaction.objects.filter(archived_at=None).count() == 0
    assert texts_of(bank.ada) == before


def test_times_without_a_fraction_have_six_digits(folder: Path) -> None:
    with time_machine.travel(AT - timedelta(days=1), tick=False):
        account = make_account(balance=1)
    if connection.vendor == "sqlite":
        assert texts_of(account)[0].endswith("2026-02-28T12:00:00.000000Z")
