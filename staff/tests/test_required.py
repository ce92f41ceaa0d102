"""No way around the second factor: the test tries every admin page and every API route."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from staff.tests.helpers import (
    AUTHENTICATOR,
    INDEX,
    LOGIN,
    PASSWORD,
    browser,
    code_of,
    enrolled,
    log_in,
    make_staff,
)

pytestmark = pytest.mark.django_db

# The page of the first password is for those who log in with a one-time password.
OPEN_IN_ADMIN = {"login/", "logout/", "authenticator/", "first-password/"}
OPEN_IN_API = {
    "health/",
    "health/ready/",
    "schema/",
    "swagger/",
    "oauth/token/",
    "oauth/revoke/",
    "oauth/introspect/",
    "seals/latest/",
    "seals/1/",
}
_UUID = "018f4e7a-0000-7000-8000-000000000000"


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.REQUIRE_MFA = True


def _paths(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    """Every route, with its parameters filled in."""
    for pattern in patterns:
        route = prefix + _filled(pattern)
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def _filled(pattern: Any) -> str:
    text = str(pattern.pattern).removesuffix("$").removeprefix("^")
    if text.startswith("(?P<app_label>"):
        return "auth/"
    if text.startswith("(?P<url>"):
        return "nowhere/"
    ones = (
        "<path:object_id>",
        "<path:content_type_id>",
        "<id>",
        "<str:name>",
        "<str:job>",
        "<int:number>",
    )
    for parameter in ones:
        text = text.replace(parameter, "1")
    text = re.sub("<id:[a-z_]+>", _UUID, text)
    assert "<" not in text, text
    return text


def admin_paths() -> list[str]:
    return sorted(set(_paths(admin.site.get_urls())))


def api_paths() -> list[str]:
    resolver = next(
        entry for entry in get_resolver().url_patterns if str(entry.pattern) == "api/v1/"
    )
    return sorted(set(_paths(resolver.url_patterns)))


@pytest.fixture(params=["before enrolment", "enrolled meanwhile", "reset meanwhile"])
def unverified(request: pytest.FixtureRequest) -> Client:
    """A superuser's session from a password alone, or whose authenticator is gone."""
    user = make_staff("root", is_superuser=True)
    client = browser()
    if request.param == "reset meanwhile":
        key, _ = enrolled(user)
        assert log_in(client, "root", code=code_of(key)).status_code == 302
        assert client.get(INDEX).status_code == 200
        user.totpdevice_set.all().delete()
    else:
        assert log_in(client, "root").status_code == 302
    if request.param == "enrolled meanwhile":
        enrolled(user)
    return client


def test_no_page_of_the_admin_opens(unverified: Client) -> None:
    paths = admin_paths()
    assert len(paths) > 60
    assert set(paths) >= {
        *OPEN_IN_ADMIN,
        "password_change/",
        "auth/user/1/one_time_password/",
        "search/",
    }
    users = list(User.objects.values())
    for path in set(paths) - OPEN_IN_ADMIN:
        for method in ("get", "post", "put", "delete", "head"):
            answer = getattr(unverified, method)(f"/admin/{path}")
            assert answer.status_code == 302, (method, path)
            assert answer["Location"].startswith(f"{LOGIN}?next="), (method, path)
    assert list(User.objects.values()) == users


def test_no_route_of_the_api_opens_to_the_session(unverified: Client) -> None:
    paths = api_paths()
    assert set(paths) >= OPEN_IN_API
    assert len(set(paths) - OPEN_IN_API) > 10
    for path in set(paths) - OPEN_IN_API:
        for method in ("get", "post", "patch", "delete"):
            answer = getattr(unverified, method)(f"/api/v1/{path}", content_type="application/json")
            assert answer.status_code == 401, (method, path)
            assert answer.json()["code"] == "not_authenticated"
    assert unverified.get("/api/v1/swagger/").status_code == 200
    assert unverified.get("/api/v1/schema/").status_code == 200


def test_with_a_code_both_open() -> None:
    key, _ = enrolled(make_staff("root", is_superuser=True))
    client = browser()
    log_in(client, "root", code=code_of(key))
    assert client.get("/admin/auth/user/").status_code == 200
    assert client.get("/api/v1/accounts/").status_code == 200
    assert client.get(LOGIN)["Location"] == INDEX


def test_a_password_cannot_be_changed_or_reset_without_a_code() -> None:
    make_staff()
    client = browser()
    log_in(client)
    new = PASSWORD[::-1]
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/admin/password_change/", form).status_code == 302
    assert User.objects.get().check_password(PASSWORD)
    assert client.get("/admin/password_reset/")["Location"].startswith(LOGIN)
    assert not [path for path in admin_paths() if "password_reset" in path]


def test_who_is_not_let_in_can_log_out() -> None:
    make_staff()
    client = browser()
    log_in(client)
    client.post("/admin/logout/")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("method", ["get", "post"])
def test_enrolment_is_for_staff_who_are_logged_in(method: str) -> None:
    customer, visitor = browser(), browser()
    customer.force_login(User.objects.create_user("ada"))
    for client in (customer, visitor):
        answer = getattr(client, method)(AUTHENTICATOR)
        assert answer["Location"] == f"{LOGIN}?next={AUTHENTICATOR}"


def test_enrolment_takes_a_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_staff())
    assert client.post(AUTHENTICATOR, {"code": "123456"}).status_code == 403


def test_the_page_is_kept_by_no_cache() -> None:
    client = browser()
    client.force_login(make_staff())
    assert "no-store" in client.get(AUTHENTICATOR)["Cache-Control"]


def test_it_is_optional_where_it_is_not_required(settings: Any) -> None:
    settings.REQUIRE_MFA = False
    user = make_staff("root", is_superuser=True)
    client = browser()
    log_in(client, "root")
    assert client.get("/admin/auth/user/").status_code == 200
    assert client.get("/api/v1/accounts/").status_code == 200
    key, _ = enrolled(user)
    # A user who has an authenticator needs it here too.
    assert log_in(browser(), "root").status_code == 200
    assert log_in(browser("192.0.2.2"), "root", code=code_of(key)).status_code == 302
    # The page reveals nothing to the older session, and ends it.
    assert client.get(AUTHENTICATOR)["Location"].startswith(LOGIN)
    assert client.get(INDEX).status_code == 302
