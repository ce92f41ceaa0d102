"""Encryption of authenticators' keys in the database, each bound to its user.

The encryption key is derived from the secret key, which is not in the database. So a copy of the
database gives no second factor. See docs/adr/0013-encrypted-keys-of-authenticators.md.
"""

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

KEY_BYTES = 20  # RFC 4226, section 4: 160 bits are recommended.
_SIV_BYTES = 16
_AES_256_SIV_BYTES = 64
_ENCRYPTED_DIGITS = 2 * (_SIV_BYTES + KEY_BYTES)


class UnreadableKey(Exception):
    """None of the bank's current secret keys decrypts the key, or the key is another user's."""


def encrypted(key: str, *, user_id: int) -> str:
    """The stored form of `key`, for this user only. Both are hexadecimal; it has 72 digits.

    AES-SIV (RFC 5297). The result fits the library's column; Fernet's would not. A release without
    encryption takes the result for a key: its codes are wrong, but nothing crashes.
    """
    cipher = _cipher(settings.SECRET_KEY)
    return cipher.encrypt(bytes.fromhex(key), [_owner(user_id)]).hex()


def decrypted(kept: str, *, user_id: int) -> str:
    """The key in clear. `kept` is encrypted, or in clear if an earlier release stored it.

    Raises UnreadableKey.
    """
    if not is_encrypted(kept):
        return kept
    for secret_key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(secret_key).decrypt(bytes.fromhex(kept), [_owner(user_id)]).hex()
        except InvalidTag:
            continue
    raise UnreadableKey


def is_encrypted(kept: str) -> bool:
    return len(kept) == _ENCRYPTED_DIGITS


def _owner(user_id: int) -> bytes:
    return b"user:%d" % user_id


@lru_cache(maxsize=8)
def _cipher(secret_key: str) -> AESSIV:
    """The cipher. HKDF (RFC 5869) derives a key for this purpose alone."""
    derivation = HKDF(
        algorithm=SHA256(), length=_AES_256_SIV_BYTES, salt=None, info=b"keys of authenticators"
    )
    return AESSIV(derivation.derive(secret_key.encode()))
