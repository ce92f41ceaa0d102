"""Notes at the same moment: one for a key, and none that outlives its customer's data."""

from functools import partial
from typing import Any

import pytest

from accounts.commands import CloseAccount, CloseCustomer
from core.errors import InvalidTransition
from customers.models import Customer
from tests.concurrency.interleaving import Steps
from tests.factories import make_account, make_customer, make_note, run
from transactions.commands import ForgetCustomer
from transactions.models import Note
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closed() -> Customer:
    """A closed customer with a closed account."""
    customer = make_customer()
    account = make_account(customer_id=customer.pk)
    run(CloseAccount(account_id=account.pk, reason="Left"))
    run(CloseCustomer(customer_id=customer.pk, reason="Left"))
    return customer


def about(customer: Customer) -> list[dict[str, Any]]:
    return [{"customer_id": customer.pk}, {"account_id": customer.accounts.get().pk}]


def test_two_notes_at_once_are_both_kept(monkeypatch: pytest.MonkeyPatch, closed: Customer) -> None:
    jobs = [partial(make_note, text, customer_id=closed.pk) for text in ("One", "Two")]
    Steps.written(monkeypatch).run(*jobs)
    assert sorted(Note.objects.values_list("text", flat=True)) == ["One", "Two"]


def test_a_form_sent_twice_at_once_makes_one_note(
    monkeypatch: pytest.MonkeyPatch, closed: Customer
) -> None:
    keyed = {"idempotency_key": "k", "request_fingerprint": "a" * 64}
    job = partial(make_note, "One", customer_id=closed.pk, **keyed)
    first, second = Steps.written(monkeypatch).run(job, job)
    assert (first, second.as_note()) == (Note.objects.get(), first)


@pytest.mark.parametrize("subject", [0, 1], ids=["customer", "account"])
def test_a_note_that_comes_first_is_erased(
    monkeypatch: pytest.MonkeyPatch, closed: Customer, subject: int
) -> None:
    note = partial(make_note, "Ada rang", **about(closed)[subject])
    forget = partial(run, ForgetCustomer(customer_id=closed.pk))
    written, forgotten = Steps.written(monkeypatch).run(note, forget)
    assert (written.text, forgotten.status) == ("Ada rang", "FORGOTTEN")
    assert Note.objects.get().text == ""
    assert verify().ok


@pytest.mark.parametrize("subject", [0, 1], ids=["customer", "account"])
def test_a_note_that_comes_second_is_refused(
    monkeypatch: pytest.MonkeyPatch, closed: Customer, subject: int
) -> None:
    note = partial(make_note, "Ada rang", **about(closed)[subject])
    forget = partial(run, ForgetCustomer(customer_id=closed.pk))
    forgotten, refused = Steps.written(monkeypatch).run(forget, note)
    assert forgotten.status == "FORGOTTEN"
    assert isinstance(refused, InvalidTransition)
    assert not Note.objects.exists()
