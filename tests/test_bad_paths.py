"""Ids of nothing, in paths and as targets."""

from uuid import UUID

import pytest

from tests.api import (
    ADDRESS,
    API,
    REQUEST_ID,
    ApiClient,
    account_path,
    assert_problem_headers,
    bad_fields,
    client_of,
    make_user,
    problem,
    staff,
)
from tests.assertions import nothing_changes
from tests.factories import make_account

pytestmark = pytest.mark.django_db

MISSING = UUID("019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27")
BAD_IDS = [
    str(MISSING),
    *(MISSING.hex, f"{{{MISSING}}}", f"urn:uuid:{MISSING}", f"{MISSING}0", f" {MISSING}"),
    *("0", "-1", "1" * 400, "x", "None", "null", "%00", "..", "%2e%2e", "*", "'", "%FF", "\u0661"),
]


@pytest.fixture
def supervisor() -> ApiClient:
    return staff("supervisor")


@pytest.mark.parametrize("identifier", BAD_IDS)
def test_an_unknown_or_malformed_id_is_not_found(supervisor: ApiClient, identifier: str) -> None:
    target = make_account(balance=7)
    account = f"{API}accounts/{identifier}/"
    for path, body in (
        (account, None),
        (f"{account}transactions/", None),
        (f"{account}entries/", None),
        (f"{account}balance/", None),
        (f"{API}transactions/{identifier}/", None),
        (f"{account}deposit/", {"amount": "5"}),
        (f"{account}withdraw/", {"amount": "5"}),
        (f"{account}transfer/", {"amount": "5", "target_account_id": str(target.id)}),
        (f"{account}freeze/", {"reason": "x"}),
        (f"{account}close/", {"reason": "x"}),
        (f"{account}overdraft_limit/", {"reason": "x", "overdraft_limit": "5"}),
    ):
        with nothing_changes():
            response = supervisor.post(path, body) if body else supervisor.get(path)
        assert_problem_headers(response, "not_found")
        assert response.json() == problem("not_found", response.json()["detail"])
        assert b"<" not in response.content


def test_a_missing_page_needs_no_csrf_token() -> None:
    client = ApiClient(
        enforce_csrf_checks=True, REMOTE_ADDR=ADDRESS, headers={"X-Request-ID": REQUEST_ID}
    )
    client.force_login(make_user("ada"))
    for path in (f"{API}accounts/7/deposit/", f"{API}nothing/", "/api/v2/accounts/", "/api/"):
        for send in (client.get, client.post, client.put, client.patch, client.delete):
            response = send(path)
            assert_problem_headers(response, "not_found")


def test_a_malformed_target_is_a_bad_field_and_an_unknown_one_is_not_found() -> None:
    ada = make_user("ada")
    account = make_account(balance=20, owner_id=ada.id)
    client, path = client_of(ada), account_path(account, "transfer")
    for target in ("", "7", 7, None, [], MISSING.hex, f"{{{MISSING}}}", f"urn:uuid:{MISSING}"):
        with nothing_changes():
            response = client.post(path, {"target_account_id": target, "amount": "5"})
        assert [pointer for pointer, _ in bad_fields(response)] == ["/target_account_id"]
    with nothing_changes():
        response = client.post(path, {"target_account_id": str(MISSING), "amount": "5"})
    assert_problem_headers(response, "not_found")
