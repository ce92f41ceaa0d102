"""Sessions of users: a copy of the database opens none of them, and unused sessions end.

The cookie has the session's key; the database has only its digest. A key is 32 random letters and
digits, which cannot be guessed from the digest. The console identifies sessions by the digest.
"""

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

logger = structlog.get_logger("bank.staff")

_USER, _STARTED, _SEEN, _ADDRESS = "_auth_user_id", "started_at", "seen_at", "address"
# How often the use of a session is recorded.
_NOTED_EVERY = timedelta(minutes=1)
# 240 bits, in base64 (RFC 4648, section 5), fill the column of Django's sessions.
_DIGEST_BYTES = 30


def digest_of(key: str) -> str:
    """The digest that identifies a session in the database."""
    digest = hashlib.sha256(f"session {key}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:_DIGEST_BYTES]).decode()


class SessionStore(DatabaseStore):
    """SESSION_ENGINE: Django's sessions in the database, under digests of their keys."""

    @classmethod
    def get_model_class(cls) -> Any:
        from staff.models import StaffSession

        return StaffSession

    def _get_session_from_db(self) -> Any:
        now = timezone.now()
        stored = self.model.objects.filter(
            session_key=digest_of(self.session_key or ""), expire_date__gt=now
        ).first()
        if stored is None:
            self._session_key = None
        return stored

    def exists(self, session_key: str) -> bool:
        return bool(super().exists(digest_of(session_key)))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """The session ends SESSION_COOKIE_AGE after the login, however often it is saved before."""
        instance: Any = super().create_model_instance(data)
        instance.session_key = digest_of(instance.session_key)
        instance.user_id = data.get(_USER)
        if started_at := _moment(data.get(_STARTED)):
            longest = started_at + timedelta(seconds=settings.SESSION_COOKIE_AGE)
            instance.expire_date = min(instance.expire_date, longest)
            instance.started_at = started_at
            instance.seen_at = _moment(data.get(_SEEN))
            instance.address = data.get(_ADDRESS) or None
        return instance

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(digest_of(key))


def begin(request: HttpRequest, **_: Any) -> None:
    """Records the time and address of each login."""
    now = timezone.now().isoformat()
    request.session[_STARTED] = request.session[_SEEN] = now
    request.session[_ADDRESS] = request.META.get("REMOTE_ADDR") or ""


user_logged_in.connect(begin, dispatch_uid="staff.sessions.begin")


# Sent by a page that refreshes itself: nobody has used the session for that.
REFRESH_HEADER = "HTTP_X_REFRESH"


class IdleTimeoutMiddleware:
    """Ends a session unused for BANK_SESSION_IDLE_MINUTES. The request is then anonymous.

    A request without a session cookie costs nothing. A session costs one statement per minute.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and _USER in request.session:
            self._look(request)
        return self.get_response(request)

    def _look(self, request: HttpRequest) -> None:
        now = timezone.now()
        seen_at = _moment(request.session.get(_SEEN))
        limit = timedelta(minutes=settings.SESSION_IDLE_MINUTES)
        if seen_at is None or (limit and now - seen_at > limit):
            logger.info("session.idle", user=request.session[_USER])
            request.session.flush()
            request.user = AnonymousUser()
        elif now - seen_at >= _NOTED_EVERY and REFRESH_HEADER not in request.META:
            request.session[_SEEN] = now.isoformat()


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
