"""The scopes of tokens, and the scopes that each client may request."""

from typing import Any

from oauth2_provider.scopes import BaseScopes

SCOPES: dict[str, str] = {
    "accounts:read": "Read accounts and balances",
    "accounts:write": "Open, change, freeze and close accounts",
    "customers:read": "Read customers",
    "customers:write": "Register, change and close customers",
    "events:read": "Read the feed of changes",
    "jobs:read": "Read jobs and their runs",
    "jobs:run": "Run jobs",
    "notes:read": "Read what staff noted",
    "notes:write": "Write notes",
    "statements:read": "Read statements of accounts",
    "transactions:read": "Read transactions and entries",
    "transactions:write": "Move money",
    "webhooks:read": "Read webhooks and their deliveries",
    "webhooks:write": "Make, change and delete webhooks",
}


class ClientScopes(BaseScopes):
    """Each client has its own list of scopes. A token gets the scopes that are requested, or all of
    its client if the request names none (RFC 6749, section 3.3).
    """

    def get_all_scopes(self) -> dict[str, str]:
        return SCOPES

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return list(SCOPES) if application is None else application.scopes

    def get_default_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return self.get_available_scopes(application, request)
