"""The security headers of every page and response."""

from typing import Any

import pytest
from django.test import Client

from core.content_security import (
    ADMIN_POLICY,
    API_POLICY,
    PERMISSIONS_POLICY,
    SWAGGER_POLICY,
    policy_for,
)
from tests.api import API, client_of, make_user
from tests.ways import both_ways

pytestmark = pytest.mark.django_db


def directives(policy: str) -> dict[str, set[str]]:
    parts = (part.split() for part in policy.split(";"))
    return {name: set(sources) for name, *sources in parts}


@both_ways
@pytest.mark.parametrize(
    ("path", "policy"),
    [
        (f"{API}accounts/", API_POLICY),
        (f"{API}schema/", API_POLICY),
        (f"{API}swagger/", SWAGGER_POLICY),
        (f"{API}nothing/", API_POLICY),
        ("/api/", API_POLICY),
        ("/admin/login/", ADMIN_POLICY),
        ("/", ADMIN_POLICY),
        ("/nowhere/", ADMIN_POLICY),
    ],
)
def test_every_answer_has_its_policy(path: str, policy: str, way: dict[str, str]) -> None:
    response = Client(headers=way).get(path)
    assert response["Content-Security-Policy"] == policy == policy_for(path)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert {"camera=()", "microphone=()", "geolocation=()", "payment=()"} <= set(
        response["Permissions-Policy"].split(", ")
    )


@pytest.mark.parametrize("policy", [API_POLICY, SWAGGER_POLICY, ADMIN_POLICY])
def test_no_policy_lets_anything_in_from_elsewhere(policy: str) -> None:
    allowed = directives(policy)
    assert allowed["frame-ancestors"] == {"'none'"}
    everything = set().union(*allowed.values())
    assert everything <= {"'none'", "'self'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}
    assert not {"data:", "blob:"} & (allowed["default-src"] | allowed.get("script-src", set()))
    if policy != API_POLICY:
        for name in ("base-uri", "object-src"):
            assert allowed[name] == {"'none'"}
        assert allowed["form-action"] == {"'self'"}


def test_swagger_has_no_script_in_its_page() -> None:
    assert directives(SWAGGER_POLICY)["script-src"] == {"'self'"}
    page = Client().get(f"{API}swagger/").content.decode()
    scripts = [part.split(">", 1) for part in page.split("<script")[1:]]
    assert len(scripts) == 4
    for attributes, rest in scripts:
        assert "src=" in attributes
        assert rest.startswith("</script>")
    script = Client().get(f"{API}swagger/?script=")
    assert script["Content-Type"].startswith("application/javascript")


@pytest.mark.parametrize("lang", ["</script><script>alert(1)</script>", '"-alert(1)-"', "\r\nX: y"])
def test_nothing_of_the_query_becomes_script(lang: str) -> None:
    for query in ({"lang": lang}, {"lang": lang, "script": ""}, {"version": lang}):
        for route in ("swagger", "schema"):
            response = Client().get(f"{API}{route}/", query)
            assert response.status_code == 200
            assert "alert(1)<" not in response.content.decode()
            assert '"-alert' not in response.content.decode()
            assert "X" not in response.headers


@both_ways
@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get(f"{API}accounts/"),
        lambda client: client.get(f"{API}nothing/"),
        lambda client: client.get(f"{API}health/", headers={"Host": "evil.example"}),
        lambda client: client.generic(
            "POST", f"{API}accounts/", headers={"Transfer-Encoding": "x"}
        ),
        lambda client: client.post(f"{API}oauth/token/", {}),
    ],
    ids=["401", "404", "host", "chunked", "oauth"],
)
def test_errors_are_kept_from_caches_and_sniffers_too(ask: Any, way: dict[str, str]) -> None:
    response = ask(Client(headers=way))
    assert response.status_code >= 400
    assert response["Cache-Control"] == "no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == API_POLICY
    assert response["Permissions-Policy"] == PERMISSIONS_POLICY


def test_pages_of_staff_are_not_kept_by_caches() -> None:
    client = client_of(make_user("tessa", role="teller"))
    for path in ("/admin/", "/admin/accounts/account/", "/admin/login/"):
        assert "no-store" in client.get(path)["Cache-Control"]
        assert client.get(path)["X-Frame-Options"] == "DENY"
