"""A hasher for generated secrets."""

import hashlib
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare


class GeneratedSecretHasher(BasePasswordHasher):
    """Salted SHA-256, for client secrets of at least 256 random bits; never for passwords.

    Slow hashing protects guessable secrets. These cannot be guessed, and a token request must not
    cost as much as a login.
    """

    algorithm = "generated_sha256"

    def encode(self, password: str, salt: str) -> str:
        digest = hashlib.sha256(f"{salt}${password}".encode()).hexdigest()
        return f"{self.algorithm}${salt}${digest}"

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, salt, digest = encoded.split("$", 2)
        return {"algorithm": algorithm, "salt": salt, "hash": digest}

    def verify(self, password: str, encoded: str) -> bool:
        return constant_time_compare(encoded, self.encode(password, self.decode(encoded)["salt"]))

    def safe_summary(self, encoded: str) -> Any:
        return {"algorithm": self.algorithm}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Does nothing: there is only one work factor."""
