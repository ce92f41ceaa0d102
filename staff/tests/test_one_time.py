"""One-time passwords: made by the bank, replaced by their users before anything else."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client

from staff import one_time
from staff.models import OneTimePassword
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

FIRST = "/admin/first-password/"
CHOSEN = "lantern-quarry-moss-71"


def chooses(client: Client, password: str, again: str = "") -> Any:
    form = {"new_password1": password, "new_password2": again or password}
    return client.post(FIRST, form)


def test_nothing_opens_before_another_password_is_chosen() -> None:
    user = make_staff("susan", is_superuser=True)
    given = one_time.give(user, by="test")
    assert re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", given)
    client = browser()
    assert log_in(client, "susan", given).status_code == 302
    for path in (INDEX, "/admin/auth/user/", "/admin/password_change/"):
        assert client.get(path)["Location"].startswith(LOGIN)
    assert client.get(LOGIN)["Location"] == FIRST
    assert client.get("/api/v1/accounts/").status_code == 401
    assert client.get(FIRST).status_code == 200
    for wrong, again in [("short", ""), ("password12345", ""), (given, ""), (CHOSEN, "other")]:
        assert chooses(client, wrong, again).status_code == 200
    assert OneTimePassword.objects.get().user == user

    assert chooses(client, CHOSEN)["Location"] == INDEX
    assert client.get(INDEX).status_code == 200
    assert client.get("/api/v1/accounts/").status_code == 200
    assert not OneTimePassword.objects.exists()
    assert LogEntry.objects.get().get_change_message() == "Replaced the one-time password."
    assert client.get(FIRST)["Location"] == INDEX
    later = browser()
    assert log_in(later, "susan", CHOSEN)["Location"] == INDEX
    assert later.get(INDEX).status_code == 200


def test_a_new_one_ends_sessions_and_the_old_password() -> None:
    user = make_staff()
    theirs = browser()
    log_in(theirs)
    assert theirs.get(INDEX).status_code == 200
    one_time.give(user, by="test")
    assert theirs.get(INDEX).status_code == 302
    assert log_in(browser(), password=PASSWORD).status_code == 200


def test_the_second_factor_comes_after_it_and_is_not_skipped(settings: Any) -> None:
    settings.REQUIRE_MFA = True
    user = make_staff()
    given = one_time.give(user, by="test")
    client = browser()
    log_in(client, password=given)
    assert client.get(LOGIN)["Location"] == FIRST
    intruder = browser()
    log_in(intruder, password=given)
    key, _ = enrolled(user)
    assert intruder.get(FIRST)["Location"] == LOGIN
    assert chooses(intruder, CHOSEN)["Location"] == INDEX
    assert OneTimePassword.objects.exists(), "nothing was chosen without the code"
    third = browser()
    log_in(third, password=given, code=code_of(key))
    assert chooses(third, CHOSEN)["Location"] == INDEX
    assert third.get(INDEX).status_code == 200
    fresh = make_staff("fresh")
    theirs = browser()
    log_in(theirs, "fresh", one_time.give(fresh, by="test"))
    chooses(theirs, CHOSEN)
    assert theirs.get(LOGIN)["Location"] == AUTHENTICATOR


# The form of a user ---------------------------------------------------------------------------

ADD = "/admin/auth/user/add/"


def page_of(user: User, button: str = "change") -> str:
    return f"/admin/auth/user/{user.pk}/{button}/"


def given_on(answer: Any) -> str:
    found = re.search(r'id="one-time-password">([^<]+)<', answer.content.decode())
    assert found, answer.content.decode()[-2000:]
    return found[1]


@pytest.mark.parametrize("role", ["teller", "supervisor", "auditor"])
def test_one_form_makes_a_member_of_staff(role: str, admin_client: Client) -> None:
    form = {"username": "tessa", "full_name": "Tessa van Dyk", "role": role}
    given = given_on(admin_client.post(ADD, form))
    user = User.objects.get(username="tessa")
    assert (user.first_name, user.last_name) == ("Tessa", "van Dyk")
    assert (user.is_staff, user.is_superuser, user.is_active) == (True, False, True)
    assert [group.name for group in user.groups.all()] == [role]
    assert LogEntry.objects.get().get_change_message() == f"Created as {role.capitalize()}."
    html = admin_client.get(page_of(user)).content.decode()
    assert given not in html
    assert "One-time, not replaced yet" in html
    assert log_in(browser(), "tessa", given).status_code == 302


def test_a_customer_has_no_password(admin_client: Client) -> None:
    form = {"username": "ada", "full_name": "Ada Lovelace", "role": "customer"}
    assert admin_client.post(ADD, form).status_code == 302
    user = User.objects.get(username="ada")
    assert not user.is_staff
    assert not user.has_usable_password()
    assert not user.groups.exists()
    form |= {"full_name": "Ada King", "is_active": "on"}
    assert admin_client.post(page_of(user), form).status_code == 302
    # The log stays for ever, and a customer may be forgotten.
    assert set(LogEntry.objects.values_list("object_repr", flat=True)) == {f"user {user.pk}"}
    assert LogEntry.objects.count() == 2
    assert admin_client.get(page_of(user, "one_time_password")).status_code == 403


def test_the_form_changes_name_and_role_and_keeps_other_groups(admin_client: Client) -> None:
    night = Group.objects.create(name="night shift")
    user = make_staff()
    user.groups.set([night, Group.objects.get(name="teller")])
    form = {
        "username": "tessa",
        "full_name": "Tessa",
        "role": "auditor",
        "further_groups": [night.pk],
        "is_active": "on",
    }
    assert admin_client.post(page_of(user), form).status_code == 302
    assert {group.name for group in user.groups.all()} == {"night shift", "auditor"}
    words = LogEntry.objects.get().get_change_message()
    assert words == "Changed: full name, role. Role auditor, was teller."
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_the_pages_have_no_permissions_hash_or_editable_dates(admin_client: Client) -> None:
    user = make_staff()
    for path in (ADD, page_of(user)):
        html = admin_client.get(path).content.decode()
        for words in ("ermission", "argon2", "lgorithm", 'name="last_login', 'name="date_joined'):
            assert words not in html, (path, words)
    assert admin_client.get(page_of(user, "password")).status_code in (302, 404)


def test_a_superuser_stays_one(admin_client: Client, admin_user: User) -> None:
    form = {"username": "admin", "full_name": "The Chief", "is_active": "on", "role": "customer"}
    assert admin_client.post(page_of(admin_user), form).status_code == 302
    admin_user.refresh_from_db()
    assert (admin_user.is_superuser, admin_user.is_staff) == (True, True)
    for button in ("one_time_password", "reset_authenticator"):
        assert admin_client.get(page_of(admin_user, button)).status_code == 403, "not one's own"


def test_a_superuser_gives_another_one_time_password(
    admin_client: Client, admin_user: User
) -> None:
    user = make_staff()
    page = page_of(user, "one_time_password")
    assert "becomes invalid" in admin_client.get(page).content.decode()
    given = given_on(admin_client.post(page))
    assert log_in(browser(), "tessa", given).status_code == 302
    assert LogEntry.objects.get().get_change_message() == "Gave a one-time password."


def test_the_second_factor_is_shown_and_reset_on_the_page_of_a_user(admin_client: Client) -> None:
    user = make_staff()
    enrolled(user)
    assert ">Set up<" in "".join(admin_client.get(page_of(user)).content.decode().split("\n"))
    page = page_of(user, "reset_authenticator")
    assert admin_client.post(page, {"reason": "Lost phone"}).status_code == 302
    assert not user.totpdevice_set.exists()
    assert LogEntry.objects.get().get_change_message() == "Reset the authenticator. Lost phone"


@pytest.mark.parametrize("role", ["teller", "supervisor", "auditor"])
def test_others_than_superusers_change_nothing(role: str) -> None:
    clerk, user = make_staff("clerk"), make_staff()
    clerk.groups.set([Group.objects.get(name=role)])
    client = browser()
    client.force_login(clerk)
    assert client.get(ADD).status_code == 403
    assert client.post(page_of(user), {"username": "x", "role": "customer"}).status_code == 403
    for button in ("one_time_password", "reset_authenticator"):
        assert client.post(page_of(user, button), {"reason": "x"}).status_code == 403


def test_a_wrong_password_is_told_once() -> None:
    make_staff()
    html = log_in(browser(), password="wrong").content.decode()
    assert html.count('role="alert"') == html.count("errornote") == 1
    assert "Please correct" not in html
