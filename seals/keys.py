"""The key that signs seals: Ed25519 (RFC 8032), from the environment or a file.

The file is PKCS #8 in PEM, without a password, as `seal_ledger --new-key` and `openssl genpkey
-algorithm ed25519` write it. The public key is shown as 64 hexadecimal digits.
"""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings

from core.files import open_regular, os_errors_as_file_problem, sync_folder, write_atomically
from seals.problems import SealProblem


def key_path() -> Path:
    return Path(settings.DATA_DIR) / settings.SEAL_KEY_FILE


def next_key_path() -> Path:
    """Where a new key waits until its announcement is sealed."""
    return key_path().with_name(f"{key_path().name}.next")


def has_key() -> bool:
    return bool(settings.SEAL_KEY) or key_path().exists()


def signing_key() -> Ed25519PrivateKey:
    """The bank's key. Raises SealProblem, with one sentence, if there is none that can be used."""
    if settings.SEAL_KEY:
        return Ed25519PrivateKey.from_private_bytes(settings.SEAL_KEY)
    path = key_path()
    if not path.exists():
        raise SealProblem(
            f"There is no key to seal with: `seal_ledger --new-key` makes one in {path}."
        )
    return read_key(path)


def read_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file. Raises SealProblem, also if everybody may read it."""
    with os_errors_as_file_problem(path, "read"), open_regular(path) as file:
        mode = os.fstat(file.fileno()).st_mode
        content = file.read(10_000)
    if mode & stat.S_IRWXO:
        raise SealProblem(f"{path} is open to everybody: run `chmod 600 {path}`.")
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SealProblem(f"{path} holds no Ed25519 key in PEM without a password.")
    return key


def make_key(path: Path) -> Ed25519PrivateKey:
    """Writes a new key, for the owner of the process only. Raises FileProblem."""
    key = Ed25519PrivateKey.generate()
    with write_atomically(path) as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def is_waiting(public_key: str) -> bool:
    """Whether the key that waits is this one. Raises SealProblem if none can be read there."""
    path = next_key_path()
    return path.exists() and public_of(read_key(path)) == public_key


def take_next_key() -> Ed25519PrivateKey:
    """Puts the waiting key in the place of the old one, for good, and returns it.

    The key of the environment plays no part. Raises FileProblem.
    """
    with os_errors_as_file_problem(key_path()):
        next_key_path().replace(key_path())
    sync_folder(key_path().parent)
    return read_key(key_path())


def public_of(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()
