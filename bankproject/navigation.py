"""The admin's navigation: the lists by the words that staff have for them."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

# Section -> words, icon (Material Symbols), app and model of the list.
_SECTIONS: dict[str, list[tuple[str, str, str, str]]] = {
    "Accounts": [
        ("Accounts", "account_balance_wallet", "accounts", "account"),
        ("Account events", "manage_history", "accounts", "accountevent"),
    ],
    "Transactions": [
        ("Transactions", "swap_horiz", "transactions", "transaction"),
        ("Entries", "menu_book", "transactions", "entry"),
        ("Transaction events", "history", "transactions", "transactionevent"),
        ("Batches", "stacks", "transactions", "batch"),
        ("Archive runs", "inventory_2", "transactions", "archiverun"),
    ],
    "Staff": [
        ("Users", "person", "auth", "user"),
        ("Groups", "groups", "auth", "group"),
        ("Authenticators", "phonelink_lock", "otp_totp", "totpdevice"),
        ("Logins", "login", "axes", "accesslog"),
        ("Failed logins", "gpp_maybe", "axes", "accessfailurelog"),
    ],
    "API": [
        ("API clients", "terminal", "clients", "apiclient"),
        ("Access tokens", "token", "oauth2_provider", "accesstoken"),
    ],
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The sections in which the user may see something, as UNFOLD["SIDEBAR"] wants them."""
    sections = []
    for title, pages in _SECTIONS.items():
        items = [
            {
                "title": words,
                "icon": icon,
                "link": reverse(f"admin:{app}_{model}_changelist"),
            }
            for words, icon, app, model in pages
            if request.user.has_perm(f"{app}.view_{model}")
        ]
        if items:
            sections.append({"title": title, "separator": True, "items": items})
    return sections
