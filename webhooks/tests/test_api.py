"""The routes of webhooks."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from tests.api import API, ApiClient, assert_problem, bad_fields, client_of, make_user, staff
from webhooks import endpoints, replay
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

PATH = f"{API}webhooks/"
URL = "https://shop.example/hook?token=hidden"


@pytest.fixture
def susan() -> ApiClient:
    return staff("supervisor")


def test_the_secret_is_shown_once(susan: ApiClient) -> None:
    body = {"url": URL, "types": ["account.opened"], "description": "The shop"}
    response = susan.post(PATH, body)
    assert response.status_code == 201
    new = response.json()
    path = f"{PATH}{new['webhook_id']}/"
    assert response["Location"] == f"http://testserver{path}"
    secret = new.pop("secret")
    assert secret.startswith("whsec_")
    assert susan.get(path).json() == new
    assert new == {
        "webhook_id": new["webhook_id"],
        **body,
        "user": "supervisor",
        "is_on": True,
        "off_reason": "",
        "failing_since": None,
        "next_attempt_at": None,
        "created_at": new["created_at"],
    }
    another = susan.post(f"{path}secret/").json()["secret"]
    assert another != secret
    for answer in (susan.get(path), susan.get(PATH), susan.patch(path, {"description": ""})):
        assert "whsec" not in answer.content.decode()
    words = [*LogEntry.objects.order_by("pk").values_list("change_message", flat=True)]
    assert words == [
        "Made a webhook to shop.example/hook",
        "Gave the webhook a new secret",
        "Changed the webhook: description",
    ]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("/url", "required")]),
        ({"url": "https://127.0.0.1/"}, [("/url", "invalid_url")]),
        ({"url": "http://shop.example/"}, [("/url", "invalid_url")]),
        ({"url": f"https://shop.example/{'a' * 500}"}, [("/url", "max_length")]),
        ({"url": URL, "types": ["nothing"]}, [("/types/0", "invalid_choice")]),
        ({"url": URL, "secret": "mine"}, [("/secret", "unknown_field")]),
    ],
)
def test_a_bad_webhook_is_refused(
    susan: ApiClient, body: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    assert bad_fields(susan.post(PATH, body)) == errors
    assert not Endpoint.objects.exists()


def test_on_off_and_deleted(susan: ApiClient) -> None:
    path = f"{PATH}{susan.post(PATH, {'url': URL}).json()['webhook_id']}/"
    off = susan.patch(path, {"is_on": False}).json()
    assert (off["is_on"], off["off_reason"]) == (False, "Switched off by its user.")
    assert bad_fields(susan.patch(path, {})) == [("", "required")]
    on = susan.patch(path, {"is_on": True, "url": "https://other.example/"}).json()
    assert (on["is_on"], on["off_reason"], on["url"]) == (True, "", "https://other.example/")
    words = LogEntry.objects.order_by("-pk").values_list("object_repr", "change_message")
    assert words[0] == (
        "other.example/",
        "Switched the webhook on. Changed the webhook: url. It went to shop.example/hook",
    )
    susan.post(f"{path}test/")
    assert susan.delete(path).status_code == 204
    assert susan.get(path).status_code == 404
    assert not (Endpoint.objects.exists())
    assert not (Delivery.objects.exists())


def test_deliveries_replay_and_skip(susan: ApiClient) -> None:
    path = f"{PATH}{susan.post(PATH, {'url': URL}).json()['webhook_id']}/"
    test = susan.post(f"{path}test/")
    assert (test.status_code, test.json()["status"]) == (202, "WAITING")
    event = {"event_id": test.json()["event_id"]}
    assert susan.post(f"{path}replay/", event).json()["code"] == "invalid_transition"
    assert susan.post(f"{path}skip/", event).status_code == 200
    assert susan.post(f"{path}skip/", event).status_code == 404
    assert susan.post(f"{path}replay/", event).json() == {"deliveries": 1}
    listed = susan.get(f"{path}deliveries/", {"page_size": 1}).json()
    assert [one["status"] for one in listed["results"]] == ["WAITING"]
    older = susan.get(listed["next"]).json()["results"]
    assert [one["status"] for one in older] == ["SKIPPED"]
    assert len(susan.get(f"{path}deliveries/", {"status": "WAITING"}).json()["results"]) == 1
    assert bad_fields(susan.post(f"{path}replay/", {})) == [("", "required")]
    unknown = susan.post(f"{path}replay/", {"event_id": path.split("/")[-2]})
    assert unknown.status_code == 404


def test_there_is_an_end_to_everything(susan: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_OF_A_USER", 1)
    monkeypatch.setattr(replay, "_MOST_WAITING", 1)
    monkeypatch.setattr(replay, "MOST_REPLAYED", 0)
    path = f"{PATH}{susan.post(PATH, {'url': URL}).json()['webhook_id']}/"
    assert bad_fields(susan.post(PATH, {"url": URL})) == [("/url", "too_many")]
    assert susan.post(f"{path}test/").status_code == 202
    refused = susan.post(f"{path}test/")
    detail = (
        "So many deliveries of this webhook wait that no more can be added: at most 1 may wait."
    )
    assert_problem(refused, "invalid_transition", detail)
    Delivery.objects.update(status="SKIPPED", ended_at=Endpoint.objects.get().created_at, type="x")
    whole = {"after": "2020-01-01T00:00:00Z", "before": "2999-01-01T00:00:00Z"}
    assert bad_fields(susan.post(f"{path}replay/", whole)) == [("/before", "too_many")]


def test_customers_have_their_own(susan: ApiClient) -> None:
    ada, grace = client_of(make_user("ada")), client_of(make_user("grace"))
    path = f"{PATH}{ada.post(PATH, {'url': URL}).json()['webhook_id']}/"
    assert len(ada.get(PATH).json()["results"]) == len(susan.get(PATH).json()["results"]) == 1
    assert grace.get(PATH).json()["results"] == []
    assert grace.post(f"{path}test/").status_code == 404
    assert not LogEntry.objects.exists(), "a customer is no staff"
