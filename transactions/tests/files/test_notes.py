"""Notes move between banks byte for byte, erased ones too; older exports have none."""

import json
from pathlib import Path

import pytest

from accounts.commands import CloseAccount, CloseCustomer
from accounts.commands.open import ensure_cash_account
from accounts.models import CASH, internal_account_id
from core import clock
from core.commands import Origin
from tests.api import make_user
from tests.exports import contents, export_inside, export_of, renew_manifest
from tests.factories import ORIGIN, deposit, make_account, make_customer, make_note, run
from transactions.archive.runs import archive
from transactions.commands import ForgetCustomer
from transactions.files.notes import NOTES
from transactions.models import Note
from transactions.tests.archiving import EVERYTHING
from transactions.tests.files.test_import_export import (
    UNKNOWN_ID,
    change_row,
    import_data,
    refused,
)
from transactions.tests.queueing import assert_clean

pytestmark = pytest.mark.django_db

TEXTS = ['=1+1, "two"\nlines', "שלום", "It came", "On the cash"]


def fill_bank() -> None:
    """Notes about a customer, an account, an archived transaction and the cash; an erased one."""
    teller = make_user("teller, of ours", role="teller")
    by_teller = Origin(user_id=teller.pk, caller=f"user:{teller.pk}", address="2001:db8::7")
    customer = make_customer(user="ada")
    account = make_account(customer_id=customer.pk)
    row = deposit(account, 7)
    subjects = (
        {"customer_id": customer.pk},
        {"account_id": account.pk, "idempotency_key": "a, key", "request_fingerprint": "ab" * 32},
        {"transaction_id": row.id},
        {"account_id": row.debit_account_id},
    )
    for text, about in zip(TEXTS, subjects, strict=True):
        make_note(text, by_teller, **about)
    gone = make_customer(name="Eve")
    closed = make_account(customer_id=gone.pk, name="Eve")
    make_note("Eve rang", account_id=closed.pk)
    run(CloseAccount(account_id=closed.pk, reason="Left"))
    run(CloseCustomer(customer_id=gone.pk, reason="Left"))
    run(ForgetCustomer(customer_id=gone.pk, reason="Asked for it"))
    archive(EVERYTHING, origin=ORIGIN)


@pytest.fixture
def exported(archive_file: Path, tmp_path: Path) -> Path:
    return export_of(fill_bank, tmp_path / "exported")


def test_notes_come_out_again_as_they_went_in(exported: Path, tmp_path: Path) -> None:
    assert "Eve rang" not in (exported / "notes.csv").read_text("utf-8")
    assert import_data(exported)["notes"] == 5
    again = contents(export_inside(tmp_path / "again"))
    for name, data in contents(exported).items():
        assert again[name] == data, name
    notes = Note.objects.order_by("id")
    assert [note.text for note in notes] == [*TEXTS, ""]
    assert notes[1].actor is not None
    assert notes[1].actor.get_username() == "teller, of ours"
    assert notes[1].caller == f"user:{notes[1].actor_id}"
    assert notes[2].transaction is not None
    assert notes[2].transaction.archived_at is not None
    assert_clean()


def test_an_export_without_notes_loads_as_before(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    name = NOTES.file_name
    manifest["files"] = [entry for entry in manifest["files"] if entry["name"] != name]
    (exported / "manifest.json").write_text(json.dumps(manifest))
    (exported / name).unlink()
    assert "notes" not in import_data(exported)
    assert not Note.objects.exists()
    assert_clean()


def test_a_bank_with_a_note_is_not_empty(exported: Path) -> None:
    ensure_cash_account("USD", clock.now())
    make_note("Counted", account_id=internal_account_id(CASH, "USD"))
    assert refused(exported)[0].startswith("This bank is not empty.")


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("customer_id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
        ("account_id", UNKNOWN_ID, "A note is about one account, one customer or one"),
        ("customer_id", "", "A note is about one account, one customer or one"),
        ("text", "x" * 2001, "It has more than 2000 characters."),
        ("at", "yesterday", "A time is written as"),
    ],
)
def test_a_bad_cell_is_named(exported: Path, column: str, cell: str, reason: str) -> None:
    change_row(exported, "notes.csv", 1, **{column: cell})
    assert any(
        line.startswith("  notes.csv, line 2") and reason in line for line in refused(exported)
    )


def test_an_erased_text_does_not_come_back(exported: Path) -> None:
    """Neither may a note about somebody who is not forgotten come without its text."""
    change_row(exported, "notes.csv", 5, text="Eve rang")
    assert refused(exported)
    change_row(exported, "notes.csv", 5, text="")
    change_row(exported, "notes.csv", 3, text="")
    renew_manifest(exported)
    assert refused(exported)
