"""Sessions: digests in the database, an end after idleness, and a page to end them."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from staff.models import StaffSession
from staff.sessions import digest_of
from staff.tests.helpers import browser, log_in, make_staff
from tests.admin import logged_in
from tests.api import API, make_user

pytestmark = pytest.mark.django_db

PAGE = "/admin/sessions/"
INDEX = "/admin/"


def logged_in_from(address: str, username: str) -> Client:
    """Logs in by the form, as a browser does."""
    client = browser(address)
    log_in(client, username)
    return client


def key_of(client: Client) -> str:
    return str(client.cookies[django_settings.SESSION_COOKIE_NAME].value)


def test_a_copy_of_the_database_opens_no_session() -> None:
    user = make_user("tessa", role="teller")
    client = logged_in(user)
    key = key_of(client)
    row = StaffSession.objects.get()
    assert (row.session_key, row.user) == (digest_of(key), user)
    assert key not in str(StaffSession.objects.values()) + row.session_data
    assert len(row.session_key) == 40
    assert client.get(INDEX).status_code == 200
    thief = Client()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = row.session_key
    assert thief.get(INDEX).status_code == 302
    assert thief.get(f"{API}accounts/").status_code == 401


def test_a_session_is_written_read_renewed_and_ended() -> None:
    client = logged_in(make_user("tessa", role="teller"))
    first = key_of(client)
    session = client.session
    session["some"] = "thing"
    session.save()
    assert client.session["some"] == "thing"
    session.cycle_key()
    assert session.session_key != first
    assert list(StaffSession.objects.values_list("pk", flat=True)) == [
        digest_of(session.session_key or "")
    ]
    session.flush()
    assert StaffSession.objects.count() == 0


@pytest.mark.parametrize(("minutes", "status"), [(29, 200), (31, 302)])
def test_an_idle_session_ends(minutes: int, status: int) -> None:
    client = logged_in(make_user("tessa", role="teller"))
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
        assert client.get(INDEX).status_code == status
        assert client.get(f"{API}accounts/").status_code == (200 if status == 200 else 401)
    assert StaffSession.objects.exists() == (status == 200)


def test_in_use_it_goes_on_and_ends_with_the_working_day() -> None:
    client = logged_in(make_user("tessa", role="teller"))
    begun = timezone.now()
    for minutes in range(20, 8 * 60, 20):
        with time_machine.travel(begun + timedelta(minutes=minutes), tick=False):
            assert client.get(INDEX).status_code == 200, minutes
    with time_machine.travel(begun + timedelta(hours=8, minutes=1), tick=False):
        assert client.get(INDEX).status_code == 302


def test_the_end_by_idleness_can_be_switched_off(settings: Any) -> None:
    settings.SESSION_IDLE_MINUTES = 0
    client = logged_in(make_user("tessa", role="teller"))
    with time_machine.travel(timezone.now() + timedelta(hours=7), tick=False):
        assert client.get(INDEX).status_code == 200


def test_use_is_noted_once_a_minute() -> None:
    client = logged_in(make_user("tessa", role="teller"))

    def updates() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        return sum("UPDATE" in one["sql"] for one in queries)

    assert updates() == 0
    with time_machine.travel(timezone.now() + timedelta(seconds=61), tick=False):
        assert (updates(), updates()) == (1, 0)
        assert StaffSession.objects.get().seen_at == timezone.now()


def test_a_page_that_refreshes_itself_keeps_no_session_open(settings: Any) -> None:
    settings.SESSION_IDLE_MINUTES = 30
    make_staff()
    client = logged_in_from("192.0.2.7", "tessa")
    now = timezone.now()
    for minutes in (10, 20, 29):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            assert client.get(INDEX, headers={"X-Refresh": "1"}).status_code == 200
    with time_machine.travel(now + timedelta(minutes=31), tick=False):
        assert client.get(INDEX).status_code == 302


def end(client: Client, row: StaffSession) -> str:
    response = client.post(PAGE, {"session": row.pk}, follow=True)
    return response.content.decode()


def test_people_see_and_end_their_own() -> None:
    tessa, other = make_staff(), make_staff("tim")
    here, there = logged_in_from("192.0.2.7", "tessa"), logged_in_from("198.51.100.9", "tessa")
    theirs = logged_in_from("203.0.113.5", "tim")
    html = here.get(PAGE).content.decode()
    assert "(this one)" in html
    assert ("192.0.2.7" in html, "198.51.100.9" in html, "203.0.113.5" in html) == (
        True,
        True,
        False,
    )
    there_row = StaffSession.objects.get(address="198.51.100.9")
    assert "Ended: a session of tessa." in end(here, there_row)
    assert there.get(INDEX).status_code == 302
    # Another user's session looks like a missing one.
    assert "There is no such session" in end(here, StaffSession.objects.get(user=other))
    assert theirs.get(INDEX).status_code == 200
    assert LogEntry.objects.count() == 0
    this_one = StaffSession.objects.get(user=tessa)
    assert here.post(PAGE, {"session": this_one.pk}).status_code == 302
    assert here.get(INDEX).status_code == 302


def test_a_supervisor_ends_those_of_others_and_it_is_logged() -> None:
    tessa, susan = make_user("tessa", role="teller"), make_user("susan", role="supervisor")
    theirs, hers = logged_in(tessa), logged_in(susan)
    assert "tessa" in hers.get(PAGE).content.decode()
    assert "Ended: a session of tessa." in end(hers, StaffSession.objects.get(user=tessa))
    assert theirs.get(INDEX).status_code == 302
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (
        susan,
        str(tessa.pk),
        "Ended a session.",
    )


def test_the_page_takes_a_login() -> None:
    assert Client().get(PAGE).status_code == 302
    assert logged_in(make_user("ada")).get(PAGE).status_code == 302
