"""Refusals of the right kind, in time. Permissions: tests/test_authorisation_matrix.py."""

import pytest

from tests.api import ADDRESS, API, ApiClient, account_path, client_of, make_user
from tests.assertions import nothing_changes
from tests.factories import make_account

pytestmark = pytest.mark.django_db

REASON = {"reason": "Because"}
MISSING = "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27"


@pytest.mark.parametrize("role", [None, "auditor", "teller"])
def test_a_caller_without_the_right_learns_nothing(role: str | None) -> None:
    """The refusal comes before the body is read or the account is looked up."""
    account = make_account(balance=7)
    client = client_of(make_user("somebody", role=role, is_staff=True))
    with nothing_changes():
        answers = {
            client.post(account_path(each, "close"), body).content
            for each in (account, MISSING)
            for body in (REASON, {}, {"nonsense": True})
        }
        assert client.post_raw(account_path(MISSING, "close"), "{broken").status_code == 403
    assert len(answers) == 1


def test_a_superuser_of_the_staff_may_do_all_and_one_who_is_not_staff_nothing() -> None:
    account = make_account()
    root = client_of(make_user("root", is_staff=True, is_superuser=True))
    assert root.post(account_path(account, "close"), REASON).status_code == 200
    odd = client_of(make_user("odd", is_staff=False, is_superuser=True))
    assert odd.get(account_path(account)).status_code == 404


def test_who_was_switched_off_is_out_at_once() -> None:
    user = make_user("teller", role="teller")
    client = client_of(user)
    assert client.get(f"{API}accounts/").status_code == 200
    user.is_active = False
    user.save()
    assert client.get(f"{API}accounts/").status_code == 401


@pytest.mark.parametrize(
    "header", ["Basic eDp5", "Basic AHg6AHk=", "Basic", "Bearer x", "Bearer", "Nonsense"]
)
def test_wrong_credentials_are_401_with_a_challenge(header: str) -> None:
    client = ApiClient(REMOTE_ADDR=ADDRESS, headers={"Authorization": header})
    response = client.get(f"{API}accounts/")
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"]
