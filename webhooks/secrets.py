"""Secrets of endpoints, and the signatures made with them (Standard Webhooks)."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

from django.views.decorators.debug import sensitive_variables

from core.encryption import decrypt, encrypt
from webhooks.models import Endpoint

_PURPOSE = b"secrets of webhooks"
_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A random secret, as the receiver keeps it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


@sensitive_variables("secret", "raw")
def encrypted(secret: str, endpoint_id: bytes) -> str:
    """The stored form, for this endpoint alone."""
    raw = base64.b64decode(secret.removeprefix(_PREFIX))
    return encrypt(raw, purpose=_PURPOSE, owner=endpoint_id).hex()


@sensitive_variables("keys")
def signed_headers(
    endpoint: Endpoint, *, message_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """The three headers of a message. Raises core.encryption.Unreadable.

    It is signed under the old secret too, as long as that is good.
    """
    stored = [endpoint.secret]
    if endpoint.old_secret_until is not None and at < endpoint.old_secret_until:
        stored.append(endpoint.old_secret)
    owner = endpoint.pk.bytes
    keys = [decrypt(bytes.fromhex(one), purpose=_PURPOSE, owner=owner) for one in stored]
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(key, content)}" for key in keys),
    }


@sensitive_variables("key")
def _signature(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
