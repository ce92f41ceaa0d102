"""Encryption of what the bank keeps or hands out: AES-SIV (RFC 5297) under the secret key.

Each purpose has a key of its own, which is derived from the secret key (HKDF, RFC 5869). The secret
key is not in the database, so a copy of the database does not decrypt anything.
"""

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

SIV_BYTES = 16
_AES_256_SIV_BYTES = 64


class Unreadable(Exception):
    """None of the bank's current secret keys decrypts this, or it belongs to something else."""


def encrypt(clear: bytes, *, purpose: bytes, owner: bytes) -> bytes:
    """The encrypted bytes, `SIV_BYTES` longer. The same input gives the same output."""
    return _cipher(settings.SECRET_KEY, purpose).encrypt(clear, [owner])


def decrypt(encrypted: bytes, *, purpose: bytes, owner: bytes) -> bytes:
    """The clear bytes. Raises Unreadable unless `encrypt` made them for this purpose and owner."""
    for secret_key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(secret_key, purpose).decrypt(encrypted, [owner])
        except (InvalidTag, ValueError):
            continue
    raise Unreadable


@lru_cache(maxsize=16)
def _cipher(secret_key: str, purpose: bytes) -> AESSIV:
    derivation = HKDF(algorithm=SHA256(), length=_AES_256_SIV_BYTES, salt=None, info=purpose)
    return AESSIV(derivation.derive(secret_key.encode()))
