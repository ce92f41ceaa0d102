"""Responses as JSON."""

from typing import Any

from rest_framework.renderers import JSONRenderer


class BankJSONRenderer(JSONRenderer):
    """Writes JSON; a body that is JSON already is passed on as it is."""

    def render(self, data: Any, *arguments: Any, **options: Any) -> bytes:
        if isinstance(data, bytes):
            return data
        written: bytes = super().render(data, *arguments, **options)
        return written
