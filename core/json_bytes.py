"""Values as JSON: compact, in UTF-8, by msgspec."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec


def encoder(default: Callable[[Any], Any] | None = None) -> Callable[[Any], bytes]:
    """A function that encodes a value; `default` replaces each member of an unknown type.

    Decimals, ids and moments become text. The standard library encodes, with escapes, the texts
    that msgspec refuses, such as half of a surrogate pair. The function raises TypeError for an
    unknown type without `default`.
    """

    def known(value: Any) -> Any:
        if isinstance(value, str):  # Of a subclass, such as an error's text with its code.
            return str.__str__(value)
        if default is None:
            raise TypeError(f"No JSON for {type(value).__name__}.")
        return default(value)

    fast = msgspec.json.Encoder(enc_hook=known).encode
    # Each kind of value as msgspec has it, in both.
    as_msgspec = partial(msgspec.to_builtins, enc_hook=known)
    slow = json.JSONEncoder(default=as_msgspec, separators=(",", ":")).encode

    def encode(value: Any) -> bytes:
        try:
            return fast(value)
        except (UnicodeEncodeError, TypeError):
            return slow(value).encode()

    return encode


json_bytes = encoder()
