"""A small bank to seal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection

from accounts.models import Account
from core.database import create_objects, drop_objects
from seals.canonical import seal_text
from seals.heads import head_of, heads_path, line_of
from seals.journal import moved_accounts
from seals.merkle import root_of
from seals.models import Seal
from seals.proofs import leaf_of
from seals.sealing import seal
from seals.selectors import unsealed_entries
from tests.factories import make_account, run
from transactions.commands import Deposit, Reverse, Transfer, Withdraw


@dataclass
class SealedBank:
    """Ada, Bob and Jun, and what they did, by name."""

    ada: Account
    bob: Account
    jun: Account
    ids: dict[str, UUID]


def make_sealed_bank(**owners: Any) -> SealedBank:
    """Eight entries: four of Ada, three of Bob, one of Jun in yen. `owners` are users by name."""
    ada = make_account(name="Ada", owner_id=owners.get("ada"))
    bob = make_account(name="Bob", owner_id=owners.get("bob"))
    jun = make_account(name="Jun", currency="JPY")
    commands = {
        "deposit": Deposit(account_id=ada.id, amount=Decimal(100), description="Löhne\n€ 100 😀"),
        "other": Deposit(account_id=bob.id, amount=Decimal("7.25")),
        "transfer": Transfer(
            account_id=ada.id,
            target_account_id=bob.id,
            amount=Decimal("30.50"),
            description="x" * 500,
        ),
        "withdrawal": Withdraw(account_id=ada.id, amount=Decimal(2)),
        "yen": Deposit(account_id=jun.id, amount=Decimal(700)),
    }
    ids = {name: run(command).id for name, command in commands.items()}
    ids["reversal"] = run(Reverse(transaction_id=ids["transfer"], reason="Told to nobody")).id
    return SealedBank(ada, bob, jun, ids)


def made() -> Seal:
    """Seals what has moved. Returns the new seal."""
    outcome = seal()
    assert outcome is not None
    assert outcome.seal is not None
    return Seal.objects.get(number=outcome.seal.number)


def require_sealed() -> None:
    """Each entry is in one range; seals, ranges and file agree."""
    assert list(moved_accounts(connection)) == []
    assert unsealed_entries() == 0
    before, lines = None, b""
    for one in Seal.objects.order_by("number"):
        leaves = [leaf_of(each) for each in one.leaves.order_by("position")]
        assert root_of([leaf.hash for leaf in leaves]).hex() == one.root
        assert sum(leaf.last - leaf.first + 1 for leaf in leaves) == one.entries
        assert one.previous == (before.digest if before else "")
        assert one.number == (before.number + 1 if before else 1)
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(one.public_key))
        key.verify(bytes.fromhex(one.signature), seal_text(head_of(one)))
        before, lines = one, lines + line_of(one)
    assert heads_path().read_bytes() == lines


@contextmanager
def without_guards() -> Iterator[None]:
    """Removes all triggers, for damage that no route of the bank allows, and puts them back."""
    drop_objects(connection, kinds=("trigger",))
    try:
        yield
    finally:
        create_objects(connection)
