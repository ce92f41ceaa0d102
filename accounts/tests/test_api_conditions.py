"""ETag, If-None-Match and If-Match of an account."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.http import HttpResponse

from accounts.commands import ChangeMetadata, FreezeAccount, RenameAccount
from accounts.commands import expect as expecting
from accounts.models import Account, AccountEvent
from tests.api import ApiClient, account_path, assert_problem, bad_fields, make_user, staff
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run

pytestmark = pytest.mark.django_db(transaction=True)

METADATA = {"reference": "C-1", "b": "2", "ä": "3", "a": "4"}


@pytest.fixture
def account() -> Account:
    return make_account(balance=5, owner_id=make_user("ada").pk, metadata=METADATA)


@pytest.fixture
def clerk() -> ApiClient:
    return staff("supervisor")


def get(client: ApiClient, account: Account, **headers: str) -> HttpResponse:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response: HttpResponse = client.get(account_path(account), headers=names)
    return response


def patch(client: ApiClient, account: Account, body: Any, **headers: str) -> HttpResponse:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response: HttpResponse = client.patch(account_path(account), body, headers=names)
    return response


def test_the_tag_is_a_digest_of_the_body(account: Account, clerk: ApiClient) -> None:
    response = get(clerk, account)
    digest = hashlib.sha256(response.content).hexdigest()
    assert response["ETag"] == f'"{digest[:32]}"'
    assert response["Cache-Control"] == "no-store"
    head = clerk.head(account_path(account))
    assert (head.status_code, head["ETag"]) == (200, response["ETag"])
    indented = clerk.get(account_path(account), headers={"Accept": "application/json; indent=4"})
    assert (indented.content, indented["ETag"]) == (response.content, response["ETag"])


def test_who_has_it_already_gets_no_body(account: Account, clerk: ApiClient) -> None:
    whole = get(clerk, account)
    tag = whole["ETag"]
    for sent in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        response = get(clerk, account, If_None_Match=sent)
        assert (response.status_code, response.content) == (304, b"")
        assert response["ETag"] == tag
        assert response["Cache-Control"] == "no-store"
        assert "Content-Type" not in response
        assert response["Content-Length"] == str(len(whole.content))
    for sent in ('"x"', tag.upper(), f'"{tag[1:-2]}"'):
        response = get(clerk, account, If_None_Match=sent)
        assert (response.status_code, response.content) == (200, whole.content)
    assert bad_fields(get(clerk, account, If_None_Match=tag.strip('"'))) == [
        ("If-None-Match", "invalid_tag")
    ]


def changes(account: Account) -> list[Callable[[], object]]:
    return [
        lambda: deposit(account, "0.01"),
        lambda: run(RenameAccount(account_id=account.id, name="Grace")),
        lambda: run(RenameAccount(account_id=account.id, name="Grace")),
        lambda: run(ChangeMetadata(account_id=account.id, metadata={"a": "5"})),
        lambda: run(FreezeAccount(account_id=account.id, reason="Order")),
        lambda: get_user_model().objects.filter(pk=account.owner_id).update(username="bea"),
    ]


def test_whatever_changes_has_another_tag(account: Account, clerk: ApiClient) -> None:
    seen = [get(clerk, account)["ETag"]]
    for change in changes(account):
        change()
        response = get(clerk, account, If_None_Match=seen[-1])
        assert response.status_code == 200
        seen.append(response["ETag"])
        refused = patch(clerk, account, {"name": "X"}, If_Match=seen[-2])
        assert refused.status_code == 412
    assert len(set(seen)) == len(seen)


def test_a_stale_change_is_refused_and_leaves_nothing(account: Account, clerk: ApiClient) -> None:
    stale = get(clerk, account)["ETag"]
    run(RenameAccount(account_id=account.id, name="Grace"))
    with nothing_changes():
        for sent in (stale, f"W/{get(clerk, account)['ETag']}", '"x", "y"'):
            response = patch(clerk, account, {"name": "Eve", "metadata": {}}, If_Match=sent)
            assert_problem(
                response, "precondition_failed", "The resource has changed: read it again."
            )
        bad = patch(clerk, account, {"name": "Eve"}, If_Match="x")
        assert bad_fields(bad) == [("If-Match", "invalid_tag")]
        fresh = get(clerk, account)["ETag"]
        for sent in ("*", fresh, f"W/{fresh}"):
            response = patch(clerk, account, {"name": "Eve"}, If_None_Match=sent)
            assert_problem(
                response, "precondition_failed", "The resource has a tag of If-None-Match."
            )
        assert_problem(
            get(clerk, account, If_Match=stale),
            "precondition_failed",
            "The resource has changed: read it again.",
        )


def test_each_response_has_the_tag_for_the_next_change(account: Account, clerk: ApiClient) -> None:
    tag = get(clerk, account)["ETag"]
    for body in (
        {"name": "Eve"},
        {"metadata": METADATA | {"0": "é"}},
        {"name": "A", "metadata": {}},
    ):
        response = patch(clerk, account, body, If_Match=f'"x", {tag}')
        assert response.status_code == 200
        assert response["ETag"] != tag
        tag = response["ETag"]
        assert get(clerk, account)["ETag"] == tag
    assert patch(clerk, account, {"name": "B"}, If_Match="*").status_code == 200
    assert patch(clerk, account, {"name": "C"}, If_None_Match=f'"x", {tag}').status_code == 200


def test_of_two_changes_with_one_tag_one_goes_through(account: Account, clerk: ApiClient) -> None:
    for turn in range(5):
        assert sorted(race(account, clerk, turn)) == [200, 412]
    assert AccountEvent.objects.filter(account=account, event="RENAMED").count() == 5


def race(account: Account, clerk: ApiClient, turn: int) -> list[int]:
    """The statuses of two changes with one tag, sent at the same moment."""
    tag = get(clerk, account)["ETag"]
    both = threading.Barrier(2)

    def change(name: str) -> int:
        client = ApiClient()
        client.force_authenticate(get_user_model().objects.get(username="supervisor"))
        try:
            both.wait(60)
            return patch(client, account, {"name": name}, If_Match=tag).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(change, [f"One {turn}", f"Other {turn}"]))


def test_the_control_a_tag_that_is_compared_before_the_lock_lets_both_through(
    account: Account, clerk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = get(clerk, account)["ETag"]
    monkeypatch.setattr(expecting, "tag_of", lambda _: tag)
    assert race(account, clerk, 0) == [200, 200]
