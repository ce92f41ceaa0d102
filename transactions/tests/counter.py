"""Deposit, withdraw and transfer in the console, step by step: form, preview, confirmation."""

import re
from typing import Any

from django.contrib.messages import get_messages
from django.test import Client

from accounts.models import Account
from tests.admin import account_url
from tests.assertions import nothing_changes
from transactions.models import Transaction

BUTTONS = ("deposit", "withdraw", "transfer")
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


def hidden(html: str) -> dict[str, str]:
    """The page's hidden fields, except the form's token."""
    return {name: value for name, value in _HIDDEN.findall(html) if name != "csrfmiddlewaretoken"}


def preview(client: Client, account: Account, button: str, **values: str) -> str:
    """The preview page, reached from the form."""
    form = client.get(account_url(account, button)).content.decode()
    with nothing_changes():
        data = {**hidden(form), **values}
        response = client.post(account_url(account, button), data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def confirm(client: Client, account: Account, button: str, page: str) -> list[str]:
    response = client.post(account_url(account, button), {**hidden(page), "confirm": "1"})
    assert (response.status_code, response["Location"]) == (302, account_url(account))
    return said(response)


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def newest() -> Transaction:
    return Transaction.objects.order_by("-id")[0]
