"""Lists weigh little: a page of 50 rows loads fast on a telephone, and costs few statements."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from tests.admin import statements
from tests.whole_bank import make_whole_bank, prepare

pytestmark = pytest.mark.django_db

# Unfold's own rows have 8 KB.
_MOST_BYTES = 3_000
_LIGHT = {"accounts_account": 2_000, "transactions_transaction": 2_000}
# Session, user and rights; the menu's numbers and bars; the list, its count, filters and names.
_MOST_STATEMENTS = 20
_ROW = re.compile(r'<tr class="data-row">.*?</tr>', re.DOTALL)


def lists() -> list[str]:
    return [f"{one.app_label}_{one.model_name}" for one in (m._meta for m in admin.site._registry)]


@pytest.mark.django_db(transaction=True)  # An archive and a seal take a transaction of their own.
def test_lists_of_more_rows_cost_no_more_statements_and_a_row_at_most_3_kb(
    tmp_path: Path, settings: Any, admin_client: Client
) -> None:
    """Every list of the console, in a bank that has two rows or more in each."""
    prepare(settings, tmp_path)
    urls = {name: reverse(f"admin:{name}_changelist") for name in lists()}
    make_whole_bank("a")
    for url in urls.values():
        statements(admin_client, url)  # Fills Django's caches.
    few = {name: len(statements(admin_client, url)) for name, url in urls.items()}
    make_whole_bank("b")
    many, heavy = {}, {}
    for name, url in urls.items():
        many[name] = len(statements(admin_client, url))
        rows = _ROW.findall(admin_client.get(url).content.decode())
        assert len(rows) >= 2, name
        heaviest = max(len(row.encode()) for row in rows)
        if heaviest > _LIGHT.get(name, _MOST_BYTES):
            heavy[name] = heaviest
    assert heavy == {}
    assert many == few
    assert {name: count for name, count in many.items() if count > _MOST_STATEMENTS} == {}


def test_icons_are_silent(admin_client: Client) -> None:
    """Screen readers would read "swap_horiz Transactions"."""
    for page in ("index", "accounts_account_changelist", "auth_user_changelist"):
        html = admin_client.get(reverse(f"admin:{page}")).content.decode()
        icons = re.findall(r"<[a-z]+ [^>]*material-symbols-outlined[^>]*>", html)
        assert icons
        assert [icon for icon in icons if "aria-hidden" not in icon] == []
