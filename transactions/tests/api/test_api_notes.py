"""Notes by the API: for staff with their scopes only, kept as sent, newest first."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from accounts.commands import CloseAccount, CloseCustomer
from core.api.idempotency import REPLAYED_HEADER
from tests.api import API, account_path, bad_fields, client_of, make_user, shown, staff
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, make_customer, make_note, run
from transactions.commands import ForgetCustomer
from transactions.models import Note
from transactions.models.note import MAX_NOTE_LENGTH

pytestmark = pytest.mark.django_db

SUBJECTS = ("account", "customer", "transaction")
TEXT = "Rang on Monday.\nWants a letter, \tsoon. שלום, it’s “urgent” 🏦"


def path_of(subject: str) -> str:
    """The notes of a thing that user `ada` may see."""
    customer = make_customer(user="ada")
    account = make_account(customer_id=customer.pk)
    ids = {"account": account.pk, "customer": customer.pk}
    subject_id = ids.get(subject) or deposit(account, 5).id
    return f"{API}{subject}s/{subject_id}/notes/"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_note_is_written_and_read(subject: str) -> None:
    path, tessa = path_of(subject), staff("teller")
    answer = tessa.post(path, {"text": TEXT})
    assert answer.status_code == 201
    note = Note.objects.get()
    assert answer.json() == {
        "note_id": str(note.pk),
        "text": TEXT,
        "written_by": "teller",
        "created_at": shown(note.at),
    }
    assert str(getattr(note, f"{subject}_id")) in path
    assert (note.request_id, note.address) == ("request-of-a-test", "192.0.2.44")
    read = staff("auditor").get(path).json()
    assert read == {"next": None, "previous": None, "results": [answer.json()]}


def test_notes_are_read_newest_first_page_by_page() -> None:
    account = make_account()
    make_note("Other", account_id=make_account().pk)
    for number in range(5):
        make_note(f"Note {number}", account_id=account.pk)
    auditor, url, texts = staff("auditor"), account_path(account, "notes") + "?page_size=2", []
    while url:
        page = auditor.get(url).json()
        texts += [one["text"] for one in page["results"]]
        url = page["next"]
    assert texts == [f"Note {number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("verb", ["get", "post"])
def test_customers_never_see_notes_not_even_of_their_own(subject: str, verb: str) -> None:
    path = path_of(subject)
    staff("teller").post(path, {"text": "Owes us a letter"})
    with nothing_changes():
        answer = getattr(client_of(_ada()), verb)(path, {"text": "x"} if verb == "post" else None)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    for place in (path.removesuffix("notes/"), f"{API}{subject}s/"):
        assert "Owes us" not in client_of(_ada()).get(place).content.decode()


def _ada() -> Any:
    return get_user_model().objects.get(username="ada")


def test_an_auditor_reads_only() -> None:
    path = path_of("account")
    with nothing_changes():
        answer = staff("auditor").post(path, {"text": "x"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        (" \n\t ", "blank"),
        ("x" * (MAX_NOTE_LENGTH + 1), "max_length"),
        ("a\x00b", "invalid_character"),
        ("a\rb", "invalid_character"),
        ("a\x1b[31mb", "invalid_character"),
        ("a\u202eb", "invalid_character"),
        ("a\u200bb", "invalid_character"),
        ("\u2800", "invalid_character"),
        (7, "invalid"),
        (None, "null"),
    ],
)
def test_a_bad_text_is_refused(text: Any, code: str) -> None:
    path = path_of("account")
    with nothing_changes():
        answer = staff("teller").post(path, {"text": text}, format="json")
    assert bad_fields(answer) == [("/text", code)]


def test_a_text_of_the_full_length_is_kept() -> None:
    text = "é" * MAX_NOTE_LENGTH
    assert staff("teller").post(path_of("account"), {"text": text}).json()["text"] == text


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_is_not_there_is_not_found(subject: str) -> None:
    path = f"{API}{subject}s/{uuid4()}/notes/"
    tessa = staff("teller")
    for answer in (tessa.get(path), tessa.post(path, {"text": "x"})):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_same_key_makes_one_note() -> None:
    path, tessa = path_of("account"), staff("teller")
    key = {"Idempotency-Key": "k"}
    first = tessa.post(path, {"text": "Rang"}, headers=key)
    again = tessa.post(path, {"text": "Rang"}, headers=key)
    assert again.json() == first.json()
    assert (again.status_code, again.headers[REPLAYED_HEADER]) == (201, "true")
    assert REPLAYED_HEADER not in first.headers
    other = tessa.post(path, {"text": "Rang again"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    susan = client_of(make_user("susan", role="supervisor"))
    assert susan.post(path, {"text": "Rang"}, headers=key).status_code == 201
    assert Note.objects.count() == 2


def test_a_forgotten_customer_has_erased_notes_and_gets_no_new_ones() -> None:
    customer = make_customer()
    account = make_account(customer_id=customer.pk)
    make_note("Ada rang", account_id=account.pk)
    run(CloseAccount(account_id=account.pk, reason="Left"))
    run(CloseCustomer(customer_id=customer.pk, reason="Left"))
    run(ForgetCustomer(customer_id=customer.pk, reason="Asked for it"))
    tessa, path = staff("teller"), account_path(account, "notes")
    assert [one["text"] for one in tessa.get(path).json()["results"]] == [""]
    with nothing_changes():
        answer = tessa.post(path, {"text": "Ada again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")


def test_notes_take_no_parameters_but_those_of_pages() -> None:
    path, tessa = path_of("account"), staff("teller")
    assert tessa.get(f"{path}?search=x").status_code == 400
    with nothing_changes():
        assert tessa.post(f"{path}?dry_run=true", {"text": "x"}).status_code == 400
