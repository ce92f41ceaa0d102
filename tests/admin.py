"""Helpers for tests of the admin: logged-in browsers, URLs and texts of its pages."""

import re
from html import unescape
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from tests.api import make_user
from transactions.models import Transaction

_TAG = re.compile(r"<[^>]+>")


def logged_in(user: Any) -> Client:
    """A browser with a session of the user."""
    client = Client()
    client.force_login(user)
    return client


def logged_in_as(role: str) -> Client:
    """A browser of a new member of staff, named after the role."""
    return logged_in(make_user(role, role=role))


def account_url(account: Account, button: str = "change") -> str:
    """The URL of the account's page, or of one of its buttons."""
    return f"/admin/accounts/account/{account.pk}/{button}/"


def transaction_url(transaction: Transaction, button: str = "change") -> str:
    """The URL of the transaction's page, or of one of its buttons."""
    return f"/admin/transactions/transaction/{transaction.pk}/{button}/"


def words_of(html: str) -> str:
    """The text in the main part of a page, with white space collapsed."""
    return unescape(" ".join(_TAG.sub(" ", html.split("<main", 1)[-1]).split()))


def statements(client: Client, url: str, **parameters: Any) -> list[str]:
    """The SQL statements of the page. Asserts that the page loads."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url, parameters).status_code == 200
    return [query["sql"] for query in queries]
