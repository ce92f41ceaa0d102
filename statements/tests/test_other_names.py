"""A statement tells the name of the other account only to its own customer, in every format."""

import io
import zipfile
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest

from accounts.models import Account
from statements.documents.content import DocumentFormat
from tests.api import API, make_user, staff
from tests.factories import make_account, make_customer, run
from transactions.commands import Transfer

pytestmark = pytest.mark.django_db

_NAME = "Zenobia"


def _nobody() -> tuple[dict[str, Any], dict[str, Any]]:
    return {}, {}


def _two_owners() -> tuple[dict[str, Any], dict[str, Any]]:
    return {"owner_id": make_user("ada").id}, {"owner_id": make_user("bob").id}


def _two_customers() -> tuple[dict[str, Any], dict[str, Any]]:
    return {"customer_id": make_customer().pk}, {"customer_id": make_customer().pk}


def _one_side() -> tuple[dict[str, Any], dict[str, Any]]:
    return {"customer_id": make_customer().pk}, {}


def _one_owner() -> tuple[dict[str, Any], dict[str, Any]]:
    owner = {"owner_id": make_user("ada").id}
    return owner, owner


def _one_customer() -> tuple[dict[str, Any], dict[str, Any]]:
    customer = {"customer_id": make_customer().pk}
    return customer, customer


def _text(response: Any, wanted: DocumentFormat) -> str:
    content = response.content if not response.streaming else b"".join(response.streaming_content)
    if wanted is DocumentFormat.PDF:
        pages = pypdfium2.PdfDocument(content)
        return "".join(page.get_textpage().get_text_range() for page in pages)
    if wanted is DocumentFormat.XLSX:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return "".join(book.read(name).decode() for name in book.namelist())
    return str(content.decode())


def _transfer(own: dict[str, Any], other: dict[str, Any]) -> tuple[Account, Account]:
    payer = make_account(balance=10, name="Ada", **own)
    payee = make_account(name=_NAME, **other)
    run(Transfer(account_id=payer.id, target_account_id=payee.id, amount=Decimal(2)))
    return payer, payee


@pytest.mark.parametrize("wanted", DocumentFormat)
@pytest.mark.parametrize(
    ("owners", "is_told"),
    [
        (_nobody, False),
        (_one_side, False),
        (_two_owners, False),
        (_two_customers, False),
        (_one_owner, True),
        (_one_customer, True),
    ],
)
def test_the_name_is_told_to_its_own_customer_alone(
    owners: Any, is_told: bool, wanted: DocumentFormat
) -> None:
    payer, payee = _transfer(*owners())
    path = f"{API}accounts/{payer.id}/statement/"
    text = _text(staff("auditor").get(path, {"format": wanted}), wanted)
    assert payee.number in text
    assert (_NAME in text) is is_told


def test_the_words_end_with_the_number() -> None:
    payer, payee = _transfer({}, {})
    lines = staff("auditor").get(f"{API}accounts/{payer.id}/statement/").json()["lines"]
    assert lines[-1]["text"] == f"Transfer to {payee.number}"
    assert lines[-1]["counterparty_name"] is None
