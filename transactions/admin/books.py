"""The state of the books, for the pages of the console: the newest verification."""

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from core.console.bars import Bar
from core.console.request_cache import RequestCache
from core.counts import count_of
from transactions.models import Verification
from transactions.verifier.records import last_verification

_VERIFICATION = RequestCache[Verification | None]()


def newest_verification(request: HttpRequest) -> Verification | None:
    """Read once for each page, by the primary key."""
    return _VERIFICATION.get(request, last_verification)


def bar_of_broken_books(request: HttpRequest) -> Iterator[Bar]:
    """A source of `core.console.bars`: red from a broken verification until a later sound one.

    For users who may view verifications, as each role may.
    """
    if not request.user.has_perm("transactions.view_verification"):
        return
    newest = newest_verification(request)
    if newest is None or newest.is_sound:
        return
    found = date_format(timezone.localtime(newest.finished_at), "DATETIME_FORMAT")
    places = sum(newest.findings.values())
    where = count_of(places, "place")
    text = f"The books are broken in {where}, as the verification of {found} has found."
    page = reverse("admin:transactions_verification_change", args=(newest.pk,))
    yield Bar(text, page, "Show where")
