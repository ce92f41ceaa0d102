"""The groups that every migrate creates."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from bankproject.roles import AUDITOR, ROLES, SUPERVISOR, TELLER, make_groups

pytestmark = pytest.mark.django_db

READ = {
    "accounts.view_account",
    "accounts.view_accountevent",
    "accounts.view_limitrequest",
    "customers.view_customer",
    "customers.view_customerevent",
    "transactions.view_transaction",
    "transactions.view_transactionevent",
    "transactions.view_entry",
    "transactions.view_batch",
    "transactions.view_archiverun",
    "transactions.view_hold",
    "transactions.view_note",
    "transactions.view_verification",
    "statements.view_statement",
    "seals.view_seal",
    "jobs.view_jobrun",
    "desk.view_deskfile",
    "webhooks.view_endpoint",
    "webhooks.view_delivery",
}
OVERSEE = {
    "transactions.read_audit",
    "auth.view_user",
    "auth.view_group",
    "axes.view_accesslog",
    "axes.view_accessfailurelog",
    "otp_totp.view_totpdevice",
    "clients.view_apiclient",
    "oauth2_provider.view_accesstoken",
}
WORK = {
    "accounts.open_account",
    "customers.register_customer",
    "transactions.post_transaction",
    "transactions.retry_transaction",
    "transactions.write_note",
}
DECIDE = {
    "accounts.manage_account",
    "customers.manage_customer",
    "staff.end_session",
    "statements.issue_statement",
    "transactions.reverse_transaction",
    "transactions.approve_transaction",
    "transactions.run_archive",
    "jobs.run_job",
    "webhooks.manage_endpoint",
    "clients.revoke_apiclient",
}


def rights(role: str) -> set[str]:
    permissions = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (AUDITOR, READ | OVERSEE),
        (TELLER, READ | WORK),
        (SUPERVISOR, READ | OVERSEE | WORK | DECIDE),
    ],
)
def test_each_role_has_its_rights_and_no_others(role: str, expected: set[str]) -> None:
    assert rights(role) == expected
    # Only commands change money and the journal: nobody may add, change or delete rows.
    assert not {
        right for right in rights(role) if right.split(".")[1].startswith(("add", "delete"))
    }


def test_there_are_three_roles() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == {AUDITOR, TELLER, SUPERVISOR}


def test_a_migrate_puts_back_what_a_role_lost_and_keeps_what_it_gained() -> None:
    teller = Group.objects.get(name=TELLER)
    teller.permissions.remove(Permission.objects.get(codename="post_transaction"))
    teller.permissions.add(Permission.objects.get(codename="run_archive"))
    Group.objects.get(name=AUDITOR).delete()
    call_command("migrate", verbosity=0)
    assert rights(TELLER) == ROLES[TELLER] | {"transactions.run_archive"}
    assert rights(AUDITOR) == ROLES[AUDITOR]


def test_made_twice_they_are_the_same() -> None:
    before = sorted(Group.objects.values_list("id", "name", "permissions"))
    make_groups(using="default")
    assert sorted(Group.objects.values_list("id", "name", "permissions")) == before
