"""The bank's roles: groups of staff and their rights, created after every `migrate`."""

from typing import Any

AUDITOR, TELLER, SUPERVISOR = "auditor", "teller", "supervisor"

_READ = {
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
# Oversight of other staff: users, their actions and logins.
_OVERSEE = {
    "transactions.read_audit",
    "auth.view_user",
    "auth.view_group",
    "axes.view_accesslog",
    "axes.view_accessfailurelog",
    "otp_totp.view_totpdevice",
    "clients.view_apiclient",
    "oauth2_provider.view_accesstoken",
}
_WORK = {
    "accounts.open_account",
    "customers.register_customer",
    "transactions.post_transaction",
    "transactions.retry_transaction",
    "transactions.write_note",
}
_DECIDE = {
    "accounts.manage_account",
    "customers.manage_customer",
    "staff.end_session",
    "statements.issue_statement",
    "transactions.reverse_transaction",
    "transactions.approve_transaction",
    "transactions.run_archive",
    "jobs.run_job",
    "webhooks.manage_endpoint",
    # No role may create a client: see clients/admin/rights.py.
    "clients.revoke_apiclient",
}

ROLES: dict[str, set[str]] = {
    AUDITOR: _READ | _OVERSEE,
    TELLER: _READ | _WORK,
    SUPERVISOR: _READ | _OVERSEE | _WORK | _DECIDE,
}


def make_groups(*, using: str, **_: Any) -> None:
    """post_migrate: creates each role's group, with at least the rights of the role. Idempotent."""
    from django.contrib.auth.models import Group, Permission

    permissions = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.using(using).select_related("content_type")
    }
    for name, rights in ROLES.items():
        group, _created = Group.objects.using(using).get_or_create(name=name)
        group.permissions.add(*(permissions[right] for right in sorted(rights)))
