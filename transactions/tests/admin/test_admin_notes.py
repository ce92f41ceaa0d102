"""Notes in the console: on the pages of what they are about, with a form right there."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.commands import CloseAccount, CloseCustomer
from core.commands import Origin
from customers.models import Customer
from staff.time_zone import COOKIE
from tests.admin import account_url, logged_in, logged_in_as, statements, transaction_url, words_of
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, make_customer, make_note, run
from transactions.admin.note_pages import ERASED, MOST_NOTES
from transactions.commands import ForgetCustomer, Withdraw
from transactions.models import Note, Transaction

pytestmark = pytest.mark.django_db

SUBJECTS = ("account", "customer", "transaction")
LIST = reverse("admin:transactions_note_changelist")
KEY = str(uuid4())


def make_things() -> dict[str, Any]:
    customer = make_customer()
    account = make_account(customer_id=customer.pk, balance=5)
    return {"account": account, "customer": customer, "transaction": Transaction.objects.get()}


def page_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=(row.pk,))


def form_of(row: Any) -> str:
    return reverse("write-note", args=(row._meta.model_name, row.pk))


def section(html: str) -> str:
    found = re.search(r'<section aria-labelledby="notes".*?</section>', html, re.DOTALL)
    return found[0] if found else ""


def write(client: Client, row: Any, text: str, key: str = KEY) -> Any:
    return client.post(form_of(row), {"text": text, "key": key}, follow=True)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_note_is_written_on_the_page_and_shown_there(subject: str) -> None:
    row, tessa = make_things()[subject], logged_in_as("teller")
    form = section(tessa.get(page_of(row)).content.decode())
    assert f'action="{form_of(row)}"' in form
    answer = write(tessa, row, "Rang on Monday.\r\nWants <b>a letter</b>. ")
    assert answer.redirect_chain == [(f"{page_of(row)}#notes", 302)]
    html = answer.content.decode()
    assert "The note is kept." in html
    note = Note.objects.get()
    assert note.text == "Rang on Monday.\nWants <b>a letter</b>."
    assert (note.subject, note.actor.get_username()) == (row, "teller")  # type: ignore[union-attr]
    assert "Rang on Monday.\nWants &lt;b&gt;a letter&lt;/b&gt;." in section(html)
    assert re.search(r"<bdi>teller</bdi>, <time ", section(html))
    assert 'dir="auto"' in section(html)


def test_the_time_is_that_of_the_viewers_zone() -> None:
    account = make_account()
    note = make_note(account_id=account.pk)
    client = logged_in_as("teller")
    client.cookies[COOKIE] = "Asia/Kathmandu"
    shown = section(client.get(account_url(account)).content.decode())
    assert "+0545" in shown or "Asia/Kathmandu" in shown
    assert f"{note.at:%M:%S}" not in shown
    assert f":{note.at:%S}" in shown


def test_the_newest_come_first_and_a_link_leads_to_the_others() -> None:
    account = make_account()
    make_note("Of another", account_id=make_account().pk)
    for number in range(MOST_NOTES):
        make_note(f"Note {number}", account_id=account.pk)
    tessa = logged_in_as("teller")
    shown = section(tessa.get(account_url(account)).content.decode())
    assert re.findall(r"Note \d", shown) == [f"Note {n}" for n in reversed(range(MOST_NOTES))]
    assert "Show all notes" not in shown
    make_note("Newest", account_id=account.pk)
    shown = section(tessa.get(account_url(account)).content.decode())
    assert "Newest" in shown
    assert "Note 0" not in shown
    (link,) = re.findall(r'href="([^"]+)">Show all notes', shown)
    words = words_of(tessa.get(link).content.decode())
    assert all(f"Note {number}" in words for number in range(MOST_NOTES))
    assert "Of another" not in words


@pytest.mark.parametrize("subject", SUBJECTS)
def test_an_auditor_reads_and_has_no_form(subject: str) -> None:
    row, audrey = make_things()[subject], logged_in_as("auditor")
    assert section(audrey.get(page_of(row)).content.decode()) == ""
    make_note("Rang", **{f"{subject}_id": row.pk})
    shown = section(audrey.get(page_of(row)).content.decode())
    assert "Rang" in shown
    assert "<form" not in shown
    with nothing_changes():
        assert write(audrey, row, "x").status_code == 403
        assert audrey.get(form_of(row)).status_code == 403


def test_who_may_read_no_notes_sees_none() -> None:
    account = make_account()
    make_note("Secret", account_id=account.pk)
    user = make_user("clerk", is_staff=True)
    user.user_permissions.add(
        Permission.objects.get(codename="view_account"),
        Permission.objects.get(codename="write_note"),
    )
    client = logged_in(user)
    assert "Secret" not in client.get(account_url(account)).content.decode()
    with nothing_changes():
        assert write(client, account, "x").status_code == 403
        assert Client().post(form_of(account), {"text": "x", "key": KEY}).status_code == 302


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "This field is required."),
        ("  \n ", "This field is required."),
        ("x" * 2001, "at most 2000 characters"),
        ("a\x1bb", "U+001B"),
        ("a\u202eb", "U+202E"),
        ("a\u200bb", "U+200B"),
        ("a\x00b", "Null characters are not allowed."),
    ],
)
def test_a_bad_text_comes_back_with_the_reason(text: str, why: str) -> None:
    account, tessa = make_account(), logged_in_as("teller")
    with nothing_changes():
        answer = write(tessa, account, text)
    html = answer.content.decode()
    assert (answer.status_code, answer.redirect_chain) == (200, [])
    assert why in html
    assert "Write a note" in html
    if text.isprintable() and text.strip():
        assert text in html


@pytest.mark.parametrize("text", ["שלום, היא התקשרה", "مرحبا\n\nسطر", "e\u0301tat 👩‍🚒 “x”"])
def test_texts_of_all_scripts_are_kept(text: str) -> None:
    account, tessa = make_account(), logged_in_as("teller")
    write(tessa, account, text)
    assert Note.objects.get().text == text


def test_a_form_sent_twice_makes_one_note_and_back_makes_another() -> None:
    account, tessa = make_account(), logged_in_as("teller")
    write(tessa, account, "Rang")
    answer = write(tessa, account, "Rang")
    assert "was kept before; nothing was repeated" in answer.content.decode()
    assert Note.objects.count() == 1
    write(tessa, account, "Rang again")
    assert Note.objects.count() == 2


def forget(customer: Customer) -> None:
    run(CloseCustomer(customer_id=customer.pk))
    run(ForgetCustomer(customer_id=customer.pk))


def test_a_forgotten_customers_notes_are_shown_as_erased_and_take_no_more() -> None:
    customer = make_customer()
    account = make_account(customer_id=customer.pk)
    row = Transaction.objects.get(pk=deposit(account, 5).id)
    run(Withdraw(account_id=account.pk, amount=Decimal(5)))
    for subject, one in (("customer", customer), ("account", account), ("transaction", row)):
        make_note("Ada rang", **{f"{subject}_id": one.pk})
    run(CloseAccount(account_id=account.pk, reason="Left"))
    forget(customer)
    tessa = logged_in_as("teller")
    for one in (customer, account, row):
        shown = section(tessa.get(page_of(one)).content.decode())
        assert ERASED in shown
        assert "Ada rang" not in shown
    for one in (customer, account):
        assert "<form" not in section(tessa.get(page_of(one)).content.decode())
    for note in Note.objects.all():
        assert ERASED in tessa.get(page_of(note)).content.decode()
    with nothing_changes():
        answer = write(tessa, row, "Ada again")
    html = answer.content.decode()
    assert "is forgotten: nothing is noted about them." in html
    assert "Ada again" in html, "the form keeps what was written"


def test_a_decision_shows_the_notes_on_the_request_and_its_accounts(settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    account = make_account(name="Ada")
    waiting = Transaction.objects.get(pk=deposit(account, 200).id)
    make_note("Lost her card", account_id=account.pk)
    make_note("Rang about it", transaction_id=waiting.pk)
    make_note("Of another", account_id=make_account().pk)
    susan = logged_in_as("supervisor")
    words = words_of(susan.get(transaction_url(waiting, "approve")).content.decode())
    assert re.search(rf"Rang about it .* Lost her card .*, on account {account.number} Ada", words)
    assert "Of another" not in words


def test_the_pages_cost_as_many_statements_whatever_the_number_of_notes() -> None:
    things = make_things()
    client = logged_in(make_user("susan", role="supervisor"))
    for subject, row in things.items():
        client.get(page_of(row))
        before = len(statements(client, page_of(row)))
        for number in range(MOST_NOTES + 3):
            writer = make_user(f"{subject}-{number}", role="teller")
            origin = Origin(user_id=writer.pk, caller=f"user:{writer.pk}")
            make_note("Rang", origin, **{f"{subject}_id": row.pk})
        found = statements(client, page_of(row))
        assert len(found) == before
        # The page of an account has those about its customer too.
        wanted = 2 if subject == "account" else 1
        assert len([one for one in found if 'FROM "transactions_note"' in one]) == wanted


def test_the_list_names_what_each_note_is_about_in_bounded_statements() -> None:
    things, client = make_things(), logged_in_as("auditor")
    make_note("Rang", customer_id=things["customer"].pk)
    client.get(LIST)
    before = len(statements(client, LIST))
    for subject, row in things.items():
        make_note("x" * 1999, **{f"{subject}_id": row.pk})
    assert len(statements(client, LIST)) == before
    html = client.get(LIST).content.decode()
    for row in things.values():
        assert page_of(row) in html
    assert "x" * 300 not in html
    note = Note.objects.first()
    assert "x" * 1999 in client.get(page_of(note)).content.decode()


def test_there_is_nothing_to_note_about_what_is_not_there() -> None:
    tessa = logged_in_as("teller")
    for path in (f"/admin/notes/account/{uuid4()}/", f"/admin/notes/user/{uuid4()}/"):
        assert tessa.get(path).status_code == tessa.post(path, {}).status_code == 404
