"""Helpers for tests of the API: users of each kind, and a client that checks every response."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.http import HttpResponse
from rest_framework.test import APIClient

from accounts.models import Account
from core.errors import ERROR_KINDS
from tests.contract import check_answer

API = "/api/v1/"
REQUEST_ID = "request-of-a-test"
ADDRESS = "192.0.2.44"


class ApiClient(APIClient):
    """A client from ADDRESS that checks every response of the API against docs/openapi.yaml."""

    def request(self, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().request(**kwargs)
        if response.wsgi_request.path.startswith(API):  # type: ignore[attr-defined]
            check_answer(response)
        return response

    def post_raw(self, path: str, body: str | bytes, **extra: Any) -> HttpResponse:
        """Sends these exact bytes as JSON."""
        return self.generic("POST", path, body, content_type="application/json", **extra)


def make_user(username: str, *, role: str | None = None, **fields: Any) -> Any:
    """A customer, or a member of staff with the role."""
    user = get_user_model().objects.create_user(username, **{"is_staff": bool(role)} | fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def anonymous() -> ApiClient:
    return ApiClient(REMOTE_ADDR=ADDRESS, headers={"X-Request-ID": REQUEST_ID})


def client_of(user: Any) -> ApiClient:
    """A client logged in with a session."""
    client = anonymous()
    client.force_login(user)
    return client


def staff(role: str) -> ApiClient:
    """A new member of staff, named after the role, logged in."""
    return client_of(make_user(role, role=role))


def client_without_login_queries(user: Any) -> ApiClient:
    """A client whose requests need no statements for authentication and rights."""
    user.get_all_permissions()
    client = anonymous()
    client.force_authenticate(user)
    return client


def account_path(account: Account | UUID | str, action: str = "") -> str:
    identifier = account.id if isinstance(account, Account) else account
    return f"{API}accounts/{identifier}/" + (f"{action}/" if action else "")


def shown(moment: datetime) -> str:
    """The moment as the API prints it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def problem(code: str, detail: str, **members: Any) -> dict[str, Any]:
    """The complete body of an error (RFC 9457)."""
    kind = ERROR_KINDS[code]
    return {
        "type": f"urn:bank:problem:{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": code,
        "retryable": kind.retryable,
        "request_id": REQUEST_ID,
        **members,
    }


def assert_problem(response: HttpResponse, code: str, detail: str, **members: Any) -> None:
    assert response.json() == problem(code, detail, **members)  # type: ignore[attr-defined]
    assert_problem_headers(response, code)


def assert_problem_headers(response: HttpResponse, code: str) -> None:
    assert response.status_code == ERROR_KINDS[code].status
    assert response["Content-Type"] == "application/problem+json"
    assert response["X-Request-ID"] == REQUEST_ID
    assert response["Cache-Control"] == "no-store"


def bad_fields(response: HttpResponse) -> list[tuple[str, str]]:
    """The pointer and code of each error in a `validation_error`."""
    body = response.json()  # type: ignore[attr-defined]
    assert body["code"] == "validation_error"
    assert_problem_headers(response, "validation_error")
    return [(error["pointer"], error["code"]) for error in body["errors"]]
