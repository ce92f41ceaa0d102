"""Lists weigh little: a page of 50 rows loads fast on a telephone."""

import re
from decimal import Decimal

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from tests.factories import make_account, run
from transactions.commands import Transfer
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

# The goal is 2 KB; unfold's own rows have 8.
_MOST_BYTES = 3_000


@pytest.mark.parametrize(("model", "goal"), [(Account, 2_000), (Transaction, 2_000)])
def test_a_row_has_at_most_3_kb(model: type[Model], goal: int, admin_client: Client) -> None:
    ada = make_account(name="Ada Lovelace, savings for the engine", balance="12345.67")
    bob = make_account(name="Charles Babbage and Sons, Instrument Makers")
    for _ in range(10):
        run(
            Transfer(
                account_id=ada.id,
                target_account_id=bob.id,
                amount=Decimal("1.25"),
                description="Wheels, brass, as ordered in the spring",
            )
        )
    url = reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")
    html = admin_client.get(url).content.decode()
    rows = re.findall(r'<tr class="data-row">.*?</tr>', html, re.DOTALL)
    assert len(rows) >= 2
    largest = max(len(row.encode()) for row in rows)
    assert largest <= goal <= _MOST_BYTES


def test_icons_are_silent(admin_client: Client) -> None:
    """Screen readers would read "swap_horiz Transactions"."""
    for page in ("index", "accounts_account_changelist", "auth_user_changelist"):
        html = admin_client.get(reverse(f"admin:{page}")).content.decode()
        icons = re.findall(r"<[a-z]+ [^>]*material-symbols-outlined[^>]*>", html)
        assert icons
        assert [icon for icon in icons if "aria-hidden" not in icon] == []
