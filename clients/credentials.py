"""The form and credentials of an OAuth2 request, read once."""

import base64
import binascii
from urllib.parse import unquote_plus

from django.http import HttpRequest, QueryDict

FIELDS = frozenset(
    {"grant_type", "scope", "token", "token_type_hint", "client_id", "client_secret"}
)


class InvalidRequest(Exception):
    """`invalid_request` of RFC 6749, section 5.2; its text says why."""


def read_form(request: HttpRequest) -> QueryDict:
    """The posted form, with the credentials of HTTP Basic (RFC 7617) added as fields.

    The lockout and the library both use this one form, so they always see the same client. An
    unreadable header gives a client with an empty name.

    Raises InvalidRequest for a parameter in the URL, for an unknown or repeated field, and for
    credentials in both header and form. RFC 6749, section 3.2, ignores unknown fields, but the
    library takes some of them for its own attributes.
    """
    if request.META.get("QUERY_STRING"):
        raise InvalidRequest("Parameters belong in the body.")
    form = request.POST.copy()
    if any(name not in FIELDS for name in form):
        raise InvalidRequest(f"The fields are {', '.join(sorted(FIELDS))}.")
    if repeated := sorted(name for name, values in form.lists() if len(values) > 1):
        raise InvalidRequest(f"Given twice: {', '.join(repeated)}.")
    if (basic := _basic(request)) is not None:
        if "client_secret" in form or form.get("client_id", basic[0]) != basic[0]:
            raise InvalidRequest("Credentials belong in the header or in the body, not in both.")
        form["client_id"], form["client_secret"] = basic
    return form


def _basic(request: HttpRequest) -> tuple[str, str] | None:
    """Client id and secret, form-encoded by RFC 6749, section 2.3.1; None without a header."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return "", ""
    client_id, separator, secret = text.partition(":")
    return (unquote_plus(client_id), unquote_plus(secret)) if separator else ("", "")
