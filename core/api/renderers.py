"""Responses as JSON."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from core.json_bytes import encoder

_JSON = "application/json"
# Also encodes lazy texts, generators and all other types that the framework encodes.
_json_bytes = encoder(default=JSONEncoder().default)


class BankJSONRenderer(JSONRenderer):
    """Writes JSON; a body that is JSON already is passed on as it is."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, *arguments: Any, **options: Any
    ) -> bytes:
        if isinstance(data, bytes):
            return data
        if data is not None and accepted_media_type == _JSON:
            return _for_scripts(_json_bytes(data))
        written: bytes = super().render(data, accepted_media_type, *arguments, **options)
        return written


class WrittenElsewhere(BaseRenderer):
    """Makes a media type and a value of `?format=` known to the negotiation; the view writes it."""

    def render(self, *_: Any, **__: Any) -> bytes:
        raise AssertionError("The view writes this form itself.")


class XLSXRenderer(WrittenElsewhere):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    format = "xlsx"


class PDFRenderer(WrittenElsewhere):
    media_type = "application/pdf"
    format = "pdf"


def json_response(
    request: Request, data: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The response with the data, or with their JSON as bytes.

    It is like the framework's Response, whose template and rendering cost four times as much.
    """
    if request.accepted_media_type != _JSON:  # Such as "application/json; indent=4".
        return Response(data, status=status, headers=headers)
    body = data if isinstance(data, bytes) else _for_scripts(_json_bytes(data))
    return HttpResponse(body, status=status, headers={"Content-Type": _JSON, **(headers or {})})


def _for_scripts(written: bytes) -> bytes:
    """Escapes U+2028 and U+2029, as DRF does: older JavaScript forbids them in a string."""
    return written.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
