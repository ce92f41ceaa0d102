"""A lost phone: who may reset an authenticator, and what remains of it."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from staff.models import StaffSession
from staff.sessions import digest_of
from staff.tests.helpers import INDEX, browser, code_of, enrolled, log_in, make_staff

pytestmark = pytest.mark.django_db

USERS = "/admin/auth/user/"


def reset_by(client: Client, *users: User) -> int:
    keys = [str(user.pk) for user in users]
    form = {"action": "reset_authenticators", "_selected_action": keys}
    return client.post(USERS, form).status_code


def test_a_superuser_resets_and_it_is_logged(
    admin_client: Client, admin_user: User, caplog: pytest.LogCaptureFixture
) -> None:
    user, other = make_staff(), make_staff("susan")
    key, backup_codes = enrolled(user)
    enrolled(other)
    theirs = browser()
    log_in(theirs, code=code_of(key))
    assert reset_by(admin_client, user) == 302
    assert list(TOTPDevice.objects.values_list("user", flat=True)) == [other.pk]
    assert not StaticToken.objects.filter(device__user=user).exists()
    assert theirs.get(INDEX).status_code == 302
    assert log_in(theirs, code=backup_codes[0]).status_code == 302, "the password is enough again"
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (admin_user, str(user.pk))
    assert entry.get_change_message() == "Reset the authenticator."
    logged = [record.msg for record in caplog.records if record.name == "bank.staff"]
    assert [(line["event"], line["user"], line.get("by")) for line in logged] == [
        ("authenticator.enrolled", user.pk, None),
        ("authenticator.enrolled", other.pk, None),
        ("authenticator.reset", user.pk, f"user:{admin_user.pk}"),
    ]


def test_nobody_resets_their_own(admin_client: Client, admin_user: User) -> None:
    enrolled(admin_user)
    reset_by(admin_client, admin_user)
    assert TOTPDevice.objects.get().user == admin_user
    assert not LogEntry.objects.exists()


def test_the_right_to_change_users_is_not_enough() -> None:
    user = make_staff()
    enrolled(user)
    clerk = make_staff("clerk")
    rights = Permission.objects.filter(codename__in=["view_user", "change_user"])
    clerk.user_permissions.add(*rights)
    client = browser()
    client.force_login(clerk)
    assert client.get(USERS).status_code == 200
    reset_by(client, user)
    assert TOTPDevice.objects.get().user == user


def test_the_command_resets_and_ends_the_sessions_of_that_user_only() -> None:
    user, other = make_staff(), make_staff("susan")
    enrolled(user)
    theirs, others = browser(), browser()
    theirs.force_login(user)
    others.force_login(other)
    out = StringIO()
    call_command("reset_authenticator", "tessa", stdout=out)
    assert out.getvalue() == "tessa has no authenticator any more.\n"
    assert not TOTPDevice.objects.exists()
    assert StaffSession.objects.get().session_key == digest_of(others.session.session_key or "")
    with pytest.raises(CommandError, match=r"There is no user nobody\."):
        call_command("reset_authenticator", "nobody")


def test_superusers_see_who_has_one_but_no_key(admin_client: Client) -> None:
    key, _ = enrolled(make_staff())
    device = TOTPDevice.objects.get()
    for path in ("", f"{device.pk}/change/"):
        url = f"/admin/otp_totp/totpdevice/{path}"
        answer = admin_client.get(url)
        assert answer.status_code == 200
        assert "tessa" in answer.content.decode()
        assert key not in answer.content.decode()
        assert admin_client.post(url, {"key": "00"}).status_code == 403
    for path in ("config/", "qrcode/"):
        url = f"/admin/otp_totp/totpdevice/{device.pk}/{path}"
        assert admin_client.get(url, follow=True).redirect_chain[-1][0] == INDEX
    assert admin_client.get("/admin/otp_static/staticdevice/").status_code == 404
