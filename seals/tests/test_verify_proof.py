"""docs/verify_proof.py: a program for strangers, in a Python without the bank."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seals import keys
from seals.heads import heads_path
from seals.sealing import change_key
from seals.tests.checker import MODULE, bare_packages, check, run_bare
from seals.tests.sealing_bank import made, make_sealed_bank
from tests.api import API, staff
from tests.factories import deposit

pytestmark = pytest.mark.django_db(transaction=True)

Mutation = Callable[[dict[str, Any], list[dict[str, Any]]], None]


@pytest.fixture
def sealed(keyed: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A proof of a transfer in seal 1 of 3, and the heads: the key changes in the second."""
    bank = make_sealed_bank()
    made()
    change_key()
    deposit(bank.ada, 1)
    made()
    proof = staff("auditor").get(f"{API}transactions/{bank.ids['transfer']}/proof/").json()
    return proof, [json.loads(line) for line in heads_path().read_text().splitlines()]


def text_of(heads: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(head) + "\n" for head in heads)


def flipped(digits: str) -> str:
    """The same hexadecimal with another first digit."""
    return ("0" if digits[0] != "0" else "1") + digits[1:]


def at(*way: Any, value: Any = None, by: Callable[[Any], Any] | None = None) -> Mutation:
    """Changes the proof at this place."""

    def mutate(proof: dict[str, Any], heads: list[dict[str, Any]]) -> None:
        target: Any = proof
        for step in way[:-1]:
            target = target[step]
        target[way[-1]] = by(target[way[-1]]) if by else value

    return mutate


def head(number: int, name: str, value: Any) -> Mutation:
    """Changes a head."""

    def mutate(proof: dict[str, Any], heads: list[dict[str, Any]]) -> None:
        heads[number - 1][name] = value

    return mutate


def both(name: str, value: Any) -> Mutation:
    """Changes the seal in the proof and among the heads alike."""

    def mutate(proof: dict[str, Any], heads: list[dict[str, Any]]) -> None:
        proof["seal"][name] = heads[0][name] = value

    return mutate


def signed_by_another(proof: dict[str, Any], heads: list[dict[str, Any]]) -> None:
    """The last head, signed again with a key that nothing announced."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    heads[-1]["public_key"] = keys.public_of(key)
    values = [str(heads[-1][name]) for name in MODULE.SEAL_FIELDS]
    text = MODULE.encoded("bank-seal-1", values)
    heads[-1] |= {"digest": MODULE.sha256(text).hex(), "signature": key.sign(text).hex()}


def of_first(*way: Any, **change: Any) -> Mutation:
    return at("entries", 0, *way, **change)


MUTATIONS: dict[str, tuple[Mutation, str]] = {
    "amount": (of_first("entry", "amount", value="-30.51"), "does not lead to its range"),
    "balance": (of_first("entry", "balance_after", value="1.00"), "does not lead to its range"),
    "other account": (
        of_first("other_account_id", value="x"), "other_account_id is not the sealed one"
    ),
    "other account's digest": (
        of_first("entry", "other_account_digest", by=flipped), "other_account_id is not the sealed"
    ),
    "other account without salt": (
        of_first("other_account_salt", value=None), "64 hexadecimal digits"
    ),
    "salt without other account": (of_first("other_account_id", value=None), "must be null"),
    "time": (of_first("entry", "posted_at", value="2020"), "does not lead to its range"),
    "side": (of_first("entry", "side", by=lambda one: one[::-1]), "does not lead to its range"),
    "currency": (of_first("entry", "currency", value="EUR"), "differ in currency"),
    "account": (of_first("entry", "account_id", value="x"), "differ in account_id"),
    "another transaction": (at("transaction_id", value="x"), "is another transaction's"),
    "sequence": (of_first("entry", "sequence", value="1"), "does not lead to its range"),
    "sequence outside": (of_first("entry", "sequence", value="9"), "outside its range"),
    "sequence with a zero": (of_first("entry", "sequence", value="02"), "whole number, as text"),
    "shifted fields": (
        of_first("entry", "type", value="TRANSFER\nDEBIT"), "type in the entry has a line feed"
    ),
    "words": (of_first("description", value="Rent"), "description is not the sealed one"),
    "words without salt": (of_first("description_salt", value=None), "64 hexadecimal digits"),
    "salt without words": (of_first("description", value=None), "must be null"),
    "lone surrogate": (of_first("description", value="\ud800"), "not Unicode"),
    "digest of the words": (
        of_first("entry", "description_digest", by=flipped), "description is not the sealed one"
    ),
    "entry salt": (of_first("entry_salt", by=flipped), "does not lead to its range"),
    "entry path": (of_first("entry_path", 0, by=flipped), "does not lead to its range"),
    "short entry path": (of_first("entry_path", by=lambda one: one[1:]), "too short"),
    "long entry path": (of_first("entry_path", by=lambda one: one * 2), "too long"),
    "turned entry path": (
        of_first("entry_path", by=lambda one: one[::-1]), "does not lead to its range"
    ),
    "upper case": (of_first("entry_salt", by=str.upper), "in lower case"),
    "range's balance": (of_first("range", "balance", value="0.00"), "does not lead to the seal"),
    "range's end": (of_first("range", "last_sequence", value="5"), "too short|does not lead"),
    "range's root": (of_first("range", "entries_root", by=flipped), "does not lead to its range"),
    "range salt": (of_first("range_salt", by=flipped), "does not lead to the seal"),
    "range index": (of_first("range_index", by=lambda one: one ^ 1), "does not lead|too"),
    "range index outside": (of_first("range_index", value=99), "has no leaf 99"),
    "range index as text": (of_first("range_index", value="0"), "whole number"),
    "range index true": (of_first("range_index", value=True), "whole number"),
    "range path": (of_first("range_path", 0, by=flipped), "does not lead to the seal"),
    "path of numbers": (of_first("range_path", value=[1]), "hexadecimal"),
    "path of another kind": (of_first("range_path", value={}), "list of hashes"),
    "missing member": (at("entries", 0, by=lambda one: {"entry": one["entry"]}), "exactly"),
    "unknown member": (at("more", value=1), "exactly"),
    "no entry": (at("entries", value=[]), "must have an entry"),
    "one entry twice": (at("entries", by=lambda all_: [all_[0]] * 2), "two entries of one account"),
    "format": (at("format", value="bank-proof-2"), "format bank-proof-1"),
    "seal of the proof": (at("seal", "root", by=flipped), "digest of the proof's seal"),
    "seal number": (at("seal", "number", value=2), "digest of the proof's seal"),
    "seal signature": (at("seal", "signature", by=flipped), "signature of the proof's seal"),
    "root in both": (both("root", "0" * 64), "digest of line 1"),
    "head's time": (head(2, "sealed_at", "2020"), "digest of line 2"),
    "head's signature": (head(3, "signature", "0" * 128), "signature of line 3"),
    "head's number": (head(2, "number", -2), "whole number"),
    "head's member": (head(2, "more", 1), "exactly"),
    "swapped key": (signed_by_another, "key that nothing announced"),
    "head left out": (lambda _, heads: heads.pop(1) and None, "Line 2 of the heads is not seal 2"),
    "heads turned": (lambda _, heads: heads.reverse(), "Line 1 of the heads is not seal 1"),
    "head twice": (lambda _, heads: heads.insert(1, heads[0]), "is not seal 2"),
    "no head of the seal": (lambda _, heads: heads.clear(), "is no JSON"),
}  # fmt: skip


def test_each_mutation_is_refused_with_one_sentence(sealed: Any) -> None:
    proof, heads = sealed
    assert check(json.dumps(proof), text_of(heads)).count("\n") == 0
    for name, (mutate, said) in MUTATIONS.items():
        bad_proof, bad_heads = copy.deepcopy(proof), copy.deepcopy(heads)
        mutate(bad_proof, bad_heads)
        assert json.dumps([bad_proof, bad_heads]) != json.dumps([proof, heads]), name
        with pytest.raises(MODULE.Refused, match=said) as raised:
            check(json.dumps(bad_proof), text_of(bad_heads) or "\n")
        assert str(raised.value).endswith("."), name
        assert "\n" not in str(raised.value), name
    assert len(MUTATIONS) >= 40


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The proof is no JSON"),
        ("[" * 100_000, "The proof is no JSON"),
        ("{}", "exactly"),
        ('{"format": 1, "format": 1}', "twice"),
        ('{"format": NaN}', "no number of a proof"),
        ('{"format": 1.0}', "no number of a proof"),
        ("[]", "exactly"),
    ],
)
def test_other_texts_are_no_proof(text: str, said: str) -> None:
    with pytest.raises(MODULE.Refused, match=said):
        check(text, "{}\n")


def test_the_first_key_can_be_known_from_elsewhere(sealed: Any) -> None:
    proof, heads = sealed
    text = json.dumps(proof)
    assert check(text, text_of(heads), heads[0]["public_key"])
    with pytest.raises(MODULE.Refused, match="Seal 1 is signed by a key that nothing announced"):
        check(text, text_of(heads), heads[2]["public_key"])


def test_cut_heads(sealed: Any) -> None:
    proof, heads = sealed
    whole = text_of(heads)
    check(json.dumps(proof), text_of(heads[:1]))
    with pytest.raises(MODULE.Refused, match="the file is cut"):
        check(json.dumps(proof), whole[:-1])
    with pytest.raises(MODULE.Refused):
        check(json.dumps(proof), whole[:-2] + "\n")


def test_the_program_needs_nothing_of_the_bank(sealed: Any, tmp_path: Path) -> None:
    proof, _ = sealed
    packages = bare_packages(tmp_path / "packages")
    assert {one.name.partition(".")[0] for one in packages.iterdir()} <= {
        "cryptography", "cffi", "_cffi_backend", "pycparser"
    }  # fmt: skip
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof))
    code, said = run_bare(packages, str(file), str(heads_path()))
    assert (code, said.count("\n")) == (0, 1)
    assert said.startswith("The proof holds: transaction ")
    proof["entries"][1]["entry"]["amount"] = "9999.00"
    file.write_text(json.dumps(proof))
    code, said = run_bare(packages, str(file), str(heads_path()))
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("The proof does not hold. ")
    code, said = run_bare(packages, str(tmp_path / "none"), str(heads_path()))
    assert (code, "Traceback" in said) == (2, False)
    assert run_bare(packages)[0] == 2
