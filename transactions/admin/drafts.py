"""Drafts of movements, in the address of a preview: signed, for one user and one form.

So the preview survives Back, reload and a lost login, and needs no table. A draft posts nothing: it
fills the form, and money moves only by a confirmation.
"""

from collections.abc import Mapping

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.utils.http import urlencode

DRAFT = "draft"


def with_draft(request: HttpRequest, values: Mapping[str, str], **more: str) -> str:
    """The URL of the request's form, filled with these values."""
    kept = signing.dumps(dict(values), salt=_salt(request), compress=True)
    return f"{request.path}?{urlencode({DRAFT: kept, **more})}"


def draft_of(request: HttpRequest) -> dict[str, str] | None:
    """The values in the request's URL; None if they are forged, of another user, form or day."""
    try:
        values: dict[str, str] = signing.loads(
            request.GET.get(DRAFT, ""), salt=_salt(request), max_age=settings.SESSION_COOKIE_AGE
        )
    except signing.BadSignature:
        return None
    return values


def _salt(request: HttpRequest) -> str:
    return f"draft of user {request.user.pk} for {request.path}"
