"""The console shows each seal with its head to copy."""

from html import unescape
from pathlib import Path

import pytest
from django.test import Client

from seals.heads import line_of
from seals.models import Seal
from seals.tests.sealing_bank import made, make_sealed_bank
from tests.admin import logged_in_as
from tests.factories import deposit

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/seals/seal/"


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_the_list_and_the_page_of_a_seal(keyed: Path) -> None:
    client = logged_in_as("auditor")
    assert "seal_ledger --new-key" in text(client, LIST)
    bank = make_sealed_bank()
    first = made()
    deposit(bank.ada, 5)
    second = made()
    listed = text(client, LIST)
    # Newest first, with the entries of each and of all until it.
    assert listed.index(second.digest[:16]) < listed.index(first.digest[:16])
    assert (first.entries, second.entries, second.total_entries) == (8, 1, 9)
    assert first.public_key[:16] in listed
    page = text(client, f"{LIST}{second.pk}/change/")
    assert line_of(second).decode().rstrip() in page
    assert "getElementById('head-line')" in page
    for shown in (second.digest, second.previous, second.signature, second.root):
        assert shown in page


def test_a_seal_is_never_changed_there(keyed: Path) -> None:
    make_sealed_bank()
    number = made().number
    client = logged_in_as("supervisor")
    page = f"{LIST}{Seal.objects.get(number=number).pk}/"
    assert client.post(f"{page}change/", {"number": "7"}).status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert Seal.objects.get().number == number
