"""Encryption of authenticators' keys in the database, each bound to its user.

The encryption key is derived from the secret key, which is not in the database. So a copy of the
database gives no second factor. See docs/adr/0013-encrypted-keys-of-authenticators.md.
"""

from core.encryption import SIV_BYTES, Unreadable, decrypt, encrypt

KEY_BYTES = 20  # RFC 4226, section 4: 160 bits are recommended.
_ENCRYPTED_DIGITS = 2 * (SIV_BYTES + KEY_BYTES)
_PURPOSE = b"keys of authenticators"


class UnreadableKey(Exception):
    """None of the bank's current secret keys decrypts the key, or the key is another user's."""


def encrypted(key: str, *, user_id: int) -> str:
    """The stored form of `key`, for this user only. Both are hexadecimal; it has 72 digits.

    The result fits the library's column; Fernet's would not. A release without encryption takes the
    result for a key: its codes are wrong, but nothing crashes.
    """
    return encrypt(bytes.fromhex(key), purpose=_PURPOSE, owner=_owner(user_id)).hex()


def decrypted(kept: str, *, user_id: int) -> str:
    """The key in clear. `kept` is encrypted, or in clear if an earlier release stored it.

    Raises UnreadableKey.
    """
    if not is_encrypted(kept):
        return kept
    try:
        return decrypt(bytes.fromhex(kept), purpose=_PURPOSE, owner=_owner(user_id)).hex()
    except Unreadable:
        raise UnreadableKey from None


def is_encrypted(kept: str) -> bool:
    return len(kept) == _ENCRYPTED_DIGITS


def _owner(user_id: int) -> bytes:
    return b"user:%d" % user_id
