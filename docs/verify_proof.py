#!/usr/bin/env python3
"""Checks the proof of a transaction without the bank: offline, and without any code of the bank.

    python verify_proof.py proof.json seals.jsonl [--key PUBLIC_KEY]

`proof.json` is the answer of `GET /api/v1/transactions/{id}/proof/`. `seals.jsonl` has the heads of
all seals from the first one on, one a line, as `GET /api/v1/seals/{number}/` answers them. Take the
heads from a copy that the bank cannot change, such as your own. `--key` is the public key of the
first seal, if you know it from elsewhere.

Needs Python 3.9 and the package `cryptography`. Prints one sentence. Exit codes: 0 the proof holds,
1 it does not, 2 wrong use. docs/seals.md describes what is checked.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ENTRY_FIELDS = (
    "account_id", "sequence", "transaction_id", "type", "side", "amount", "currency",
    "balance_after", "reverses_id", "effective_at", "created_at", "posted_at",
    "description_digest", "other_account_digest",
)  # fmt: skip
RANGE_FIELDS = (
    "account_id", "first_sequence", "last_sequence", "currency", "balance", "entries_root",
)  # fmt: skip
SEAL_FIELDS = (
    "number", "sealed_at", "root", "ranges", "entries", "total_entries", "previous", "public_key",
    "next_public_key",
)  # fmt: skip
SEAL_NUMBERS = ("number", "ranges", "entries", "total_entries")
PROVEN_FIELDS = (
    "entry", "entry_salt", "description", "description_salt", "other_account_id",
    "other_account_salt", "entry_path", "range", "range_salt", "range_index", "range_path",
)  # fmt: skip


class Refused(Exception):
    """The proof does not hold. The message is one sentence."""


def require(holds, sentence):
    if not holds:
        raise Refused(sentence)


# Reading ------------------------------------------------------------------------------------------


def without_twins(pairs):
    found = dict(pairs)
    require(len(found) == len(pairs), "A name stands twice in an object.")
    return found


def parsed(text, what):
    def refuse(word):
        raise Refused(f"{what} has {word}, which is no number of a proof.")

    try:
        return json.loads(
            text, object_pairs_hook=without_twins, parse_constant=refuse, parse_float=refuse
        )
    except (ValueError, RecursionError):
        raise Refused(f"{what} is no JSON.") from None


def require_object(value, names, what):
    right = isinstance(value, dict) and set(value) == set(names)
    require(right, f"{what} must have exactly: {', '.join(names)}.")


def is_number(value):
    return type(value) is int and 0 <= value < 1 << 63


def raw(value, length, what):
    """The bytes of lower-case hexadecimal."""
    right = isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{2 * length}}}", value)
    require(right, f"{what} must be {2 * length} hexadecimal digits in lower case.")
    return bytes.fromhex(value)


def path(value, what):
    right = isinstance(value, list) and len(value) <= 64
    require(right, f"{what} must be a list of hashes.")
    return [raw(one, 32, what) for one in value]


def whole(value, what):
    right = isinstance(value, str) and re.fullmatch("0|[1-9][0-9]{0,18}", value)
    require(right, f"{what} must be a whole number, as text.")
    return int(value)


def texts(value, names, what):
    require_object(value, names, what)
    for name in names:
        require(isinstance(value[name], str), f"{name} in {what} must be a text.")
        require("\n" not in value[name], f"{name} in {what} has a line feed.")
    return value


# Hashing ------------------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


def encoded(kind, values):
    try:
        return "\n".join([kind, *values]).encode()
    except UnicodeEncodeError:
        raise Refused("A text is not Unicode.") from None


def root_from(leaf, index, size, steps, what):
    """The root to which a path leads (RFC 9162, section 2.1.3.2)."""
    require(0 <= index < size, f"The {what} has no leaf {index}: it has {size}.")
    at, last, found = index, size - 1, leaf
    for step in steps:
        require(last > 0, f"The path of the {what} is too long.")
        if at % 2 or at == last:
            found = sha256(b"\x01" + step + found)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            found = sha256(b"\x01" + found + step)
        at, last = at // 2, last // 2
    require(last == 0, f"The path of the {what} is too short.")
    return found


# Seals --------------------------------------------------------------------------------------------


def check_head(head, what):
    """Checks the form, the digest and the signature of a head."""
    require_object(head, (*SEAL_FIELDS, "digest", "signature"), what)
    for name in SEAL_NUMBERS:
        require(is_number(head[name]), f"{name} in {what} must be a whole number.")
    require(isinstance(head["sealed_at"], str), f"sealed_at in {what} must be a text.")
    require("\n" not in head["sealed_at"], f"sealed_at in {what} has a line feed.")
    raw(head["root"], 32, f"root in {what}")
    for name in ("previous", "next_public_key"):
        require(isinstance(head[name], str), f"{name} in {what} must be a text.")
        if head[name]:
            raw(head[name], 32, f"{name} in {what}")
    key = raw(head["public_key"], 32, f"public_key in {what}")
    text = encoded("bank-seal-1", [str(head[name]) for name in SEAL_FIELDS])
    digest = raw(head["digest"], 32, f"digest in {what}")
    require(sha256(text) == digest, f"The digest of {what} is not that of its text.")
    try:
        signature = raw(head["signature"], 64, f"signature in {what}")
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        raise Refused(f"The signature of {what} is not that of its key.") from None


def check_chain(lines, first_key):
    """Checks all heads, each with the one before it. Returns them."""
    heads = []
    for number, line in enumerate(lines, 1):
        what = f"line {number} of the heads"
        head = parsed(line, what)
        check_head(head, what)
        require(head["number"] == number, f"Line {number} of the heads is not seal {number}.")
        before = heads[-1] if heads else None
        key = (before["next_public_key"] or before["public_key"]) if before else first_key
        require(
            key is None or head["public_key"] == key,
            f"Seal {number} is signed by a key that nothing announced.",
        )
        require(
            head["previous"] == (before["digest"] if before else ""),
            f"Seal {number} does not follow the seal before it.",
        )
        entries = head["entries"] + (before["total_entries"] if before else 0)
        require(head["total_entries"] == entries, f"Seal {number} counts its entries wrongly.")
        heads.append(head)
    require(heads, "There is no head.")
    return heads


# Entries ------------------------------------------------------------------------------------------


def check_hidden(proven, entry, name, stem):
    """Checks what the entry has a digest of, where the proof shows it."""
    words, salt = proven[name], proven[f"{stem}_salt"]
    digest = raw(entry[f"{stem}_digest"], 32, f"{stem}_digest")
    if words is None:
        require(salt is None, f"{stem}_salt must be null where {name} is.")
        return
    require(isinstance(words, str), f"{name} must be a text or null.")
    digest_of_words = sha256(raw(salt, 32, f"{stem}_salt") + encoded(words, ()))
    require(digest_of_words == digest, f"The {name} is not the sealed one.")


def check_entry(proven, transaction_id, seal):
    """Checks the way from an entry to the root of the seal. Returns the entry."""
    require_object(proven, PROVEN_FIELDS, "each entry of the proof")
    entry = texts(proven["entry"], ENTRY_FIELDS, "the entry")
    span = texts(proven["range"], RANGE_FIELDS, "the range")
    require(entry["transaction_id"] == transaction_id, "The entry is another transaction's.")
    for name in ("account_id", "currency"):
        require(entry[name] == span[name], f"Entry and range differ in {name}.")
    sequence = whole(entry["sequence"], "sequence")
    first = whole(span["first_sequence"], "first_sequence")
    last = whole(span["last_sequence"], "last_sequence")
    require(1 <= first <= sequence <= last, "The entry is outside its range.")
    same = sequence != last or entry["balance_after"] == span["balance"]
    require(same, "The balance after the last entry is not that of the range.")
    check_hidden(proven, entry, "description", "description")
    check_hidden(proven, entry, "other_account_id", "other_account")

    text = encoded("bank-entry-1", [entry[name] for name in ENTRY_FIELDS])
    leaf = sha256(b"\x00" + raw(proven["entry_salt"], 32, "entry_salt") + text)
    steps = path(proven["entry_path"], "entry_path")
    found = root_from(leaf, sequence - first, last - first + 1, steps, "range")
    wanted = raw(span["entries_root"], 32, "entries_root")
    require(found == wanted, "The entry does not lead to its range: it is not the sealed one.")

    text = encoded("bank-range-1", [span[name] for name in RANGE_FIELDS])
    leaf = sha256(b"\x00" + raw(proven["range_salt"], 32, "range_salt") + text)
    require(is_number(proven["range_index"]), "range_index must be a whole number.")
    steps = path(proven["range_path"], "range_path")
    found = root_from(leaf, proven["range_index"], seal["ranges"], steps, "seal")
    wanted = raw(seal["root"], 32, "root")
    require(found == wanted, "The range does not lead to the seal: it is not the sealed one.")
    return entry


def check(proof_text, heads_text, first_key=None):
    """Checks everything. Returns the sentence about it, or raises Refused."""
    proof = parsed(proof_text, "The proof")
    require_object(proof, ("format", "transaction_id", "seal", "entries"), "The proof")
    require(proof["format"] == "bank-proof-1", "The proof must have the format bank-proof-1.")
    require(isinstance(proof["transaction_id"], str), "transaction_id must be a text.")
    require(heads_text.endswith("\n"), "The heads must end with a line feed: the file is cut.")
    heads = check_chain(heads_text[:-1].split("\n"), first_key)
    seal = proof["seal"]
    check_head(seal, "the proof's seal")
    known = seal["number"] <= len(heads) and heads[seal["number"] - 1] == seal
    require(known, f"Seal {seal['number']} of the proof is not among the heads.")
    entries = proof["entries"]
    require(isinstance(entries, list) and entries, "The proof must have an entry.")
    found = [check_entry(one, proof["transaction_id"], seal) for one in entries]
    accounts = {entry["account_id"] for entry in found}
    require(len(accounts) == len(found), "The proof has two entries of one account.")
    told = ", ".join(
        f"{one['amount']} {one['currency']} as entry {one['sequence']} of account"
        f" {one['account_id']}" for one in found
    )  # fmt: skip
    return (
        f"The proof holds: transaction {proof['transaction_id']} ({told}) is in seal"
        f" {seal['number']} of {seal['sealed_at']}, signed by {seal['public_key']}."
    )


def main():
    parser = argparse.ArgumentParser(description="Checks the proof of a transaction, offline.")
    parser.add_argument("proof", help="the proof, as JSON")
    parser.add_argument("heads", help="the heads of all seals, one a line")
    parser.add_argument("--key", help="the public key of the first seal, as 64 digits")
    options = parser.parse_args()
    try:
        proof = Path(options.proof).read_bytes().decode()
        heads = Path(options.heads).read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        print(f"A file cannot be read: {error}.", file=sys.stderr)
        return 2
    try:
        print(check(proof, heads, options.key))
    except Refused as reason:
        print(f"The proof does not hold. {reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
