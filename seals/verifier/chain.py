"""T1 of each seal: its number, its chain, its key, its digest and its signature."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.files import FileProblem
from seals import keys
from seals.canonical import seal_text
from seals.heads import head_of
from seals.models import Seal
from transactions.verifier.report import Collector, Place


def check_seal(seal: Seal, before: Seal | None, found: Collector) -> None:
    """Checks a seal with the one before it; without one, as the first."""
    expected = before.number + 1 if before else 1
    key = before.promised_key if before else seal.public_key
    previous = before.digest if before else ""
    total = seal.entries + (before.total_entries if before else 0)
    text = seal_text(head_of(seal))
    for code, says, wanted, is_found in (
        ("T1.seal_missing", "Seals are numbered 1..n without a gap.", expected, seal.number),
        (
            "T1.not_chained",
            "Each seal has the digest of the seal before it.",
            previous,
            seal.previous,
        ),
        (
            "T1.key_not_announced",
            "A seal is signed by the key that the seals before it announce.",
            key,
            seal.public_key,
        ),
        ("T1.total_entries", "A seal counts all entries until it.", total, seal.total_entries),
        (
            "T1.digest",
            "The digest of a seal is that of its text.",
            hashlib.sha256(text).hexdigest(),
            seal.digest,
        ),
    ):
        if wanted != is_found:
            found.add(code, says, Place({"seal": seal.number}, str(wanted), str(is_found)))
    if not _is_signed(seal, text):
        found.add(
            "T1.signature",
            "A seal has the signature of its key.",
            Place({"seal": seal.number}, "a signature of its text", seal.signature),
        )


def check_own_key(last: Seal, found: Collector) -> None:
    """Checks that the bank's key, if it is here, is the one that the last seal promises."""
    promised = last.promised_key
    try:
        key = keys.public_of(keys.signing_key())
        if key != promised and keys.next_key_path().exists():  # The next run takes it.
            key = keys.public_of(keys.read_key(keys.next_key_path()))
    except FileProblem:
        return  # Sealing needs the key, and verifying does not.
    if key != promised:
        found.add(
            "T1.own_key",
            "The bank's key is the one that the last seal promises.",
            Place({"seal": last.number}, promised, key),
        )


def _is_signed(seal: Seal, text: bytes) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal.public_key))
        key.verify(bytes.fromhex(seal.signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True
