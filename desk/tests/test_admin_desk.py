"""The desk in the console: who sees which button, and what its pages tell."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from desk.models import DeskFile
from desk.tests.files import Desk, transfers, worked
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import make_account, run
from transactions.commands import Withdraw

pytestmark = pytest.mark.django_db

LIST = reverse("admin:desk_deskfile_changelist")
UPLOAD = reverse("admin:desk_deskfile_upload")
APPROVALS = reverse("approvals")


def page_of(file: DeskFile, action: str = "change") -> str:
    return reverse(f"admin:desk_deskfile_{action}", args=(file.pk,))


@pytest.fixture
def seats(desk: Desk) -> dict[str, Client]:
    make_user("aldo", role="auditor")
    found = {}
    for name in ("tessa", "susan", "aldo"):
        found[name] = Client()
        from django.contrib.auth import get_user_model

        found[name].force_login(get_user_model().objects.get(username=name))
    return found


def sent(client: Client, content: bytes, name: str = "pay.csv", **values: Any) -> Any:
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, content), **values}, follow=True)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_walk_of_a_file(seats: dict[str, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    payer, payee = make_account(balance=100), make_account()
    tessa, susan, aldo = seats["tessa"], seats["susan"], seats["aldo"]
    assert UPLOAD in text_of(tessa.get(LIST))
    assert UPLOAD not in text_of(aldo.get(LIST))
    assert aldo.get(UPLOAD).status_code == 403
    page = text_of(sent(tessa, transfers(payer, payee, "10", "20", "90")))
    file = DeskFile.objects.get()
    assert "Read and tried. It waits for a second person." in page
    assert "2 would be posted, 1 would fail" in page
    assert "Transfer 30.00 USD" in page
    assert "70.00 USD available, 90.00 USD needed." in page
    monkeypatch.setattr("desk.admin.file._SHOWN", 2)
    page = text_of(tessa.get(page_of(file)))
    assert "These are 2 of 3 rows, those that failed first" in page
    assert page.index("90.00 USD") < page.index("10.00 USD")
    own = tessa.get(page_of(file))
    assert page_of(file, "approve") not in text_of(own)
    assert page_of(file, "reject") in text_of(own)
    inbox = text_of(susan.get(APPROVALS))
    assert "File pay.csv" in inbox
    assert page_of(file, "approve") in inbox
    assert susan.get(reverse("approvals-waiting")).json() == {"waiting": "1"}
    asked = susan.get(page_of(file, "approve"))
    mark = asked.context["form"].initial["foreseen"]
    run(Withdraw(account_id=payer.pk, amount=Decimal(80)))
    with nothing_changes():
        again = susan.post(page_of(file, "approve"), {"reason": "", "foreseen": mark})
        assert "The outcome has changed since the page was shown" in text_of(again)
        assert tessa.post(page_of(file, "approve"), {"reason": "x"}).status_code == 403
        assert aldo.post(page_of(file, "reject"), {"reason": "x"}).status_code == 403
    mark = again.context["form"].initial["foreseen"]
    susan.post(page_of(file, "approve"), {"reason": "Payroll", "foreseen": mark})
    under_way = susan.get(page_of(file))
    assert (under_way["Refresh"], "0 of 3 movements" in text_of(under_way)) == ("3", True)
    assert worked(file).completed == 1
    shown = susan.get(page_of(file))
    assert ("1 posted, 2 failed of 3" in text_of(shown), "Refresh" in shown) == (True, False)
    rows = b"".join(susan.get(page_of(file, "download_csv")).streaming_content).decode()  # type: ignore[attr-defined]
    assert len(rows.splitlines()) == 4
    assert str(payer.pk) in rows
    assert "<dd>1 transaction</dd>" in text_of(susan.get(page_of(file, "reverse")))
    going = text_of(susan.post(page_of(file, "reverse"), {"reason": "Wrong month"}, follow=True))
    assert "A worker reverses 1 transaction. This page shows" in going
    assert "A worker reverses all of it, or nothing." in going
    assert worked(file).status == "REVERSED"
    assert Account.objects.get(pk=payer.pk).balance == 20
    late = text_of(susan.get(page_of(file)))
    assert ("Reversed" in late, page_of(file, "reverse") in late) == (True, False)
    audit = text_of(susan.get(reverse("audit")))
    for words in ("Uploaded 3 movements", "Approved: Payroll", "Asked to reverse it: Wrong month"):
        assert words in audit


def test_a_bad_file_is_told_row_by_row(seats: dict[str, Client]) -> None:
    account = make_account()
    lines = f"DEPOSIT,{account.pk},,1.001,,\nPAY,{account.pk},,1,,\nHOLD,{account.pk},,1,,\n"
    content = transfers(account, account) + lines.encode()
    with nothing_changes():
        told = text_of(sent(seats["tessa"], content))
        assert (
            "Line 3: type: One of DEPOSIT, WITHDRAW, TRANSFER, HOLD, CAPTURE, VOID is required."
            in told
        )
        assert "Line 4: type: An uploaded file only moves money" in told
        assert "The file is empty." in text_of(sent(seats["tessa"], b""))
        assert "name must end with .csv or .jsonl" in text_of(
            sent(seats["tessa"], b"x", "pay.xlsx")
        )


def test_who_uploaded_does_not_approve_and_may_withdraw(
    seats: dict[str, Client], desk: Desk
) -> None:
    account = make_account(balance=5)
    susan = seats["susan"]
    sent(susan, transfers(account, make_account(), "1"))
    file = DeskFile.objects.get()
    trial = susan.get(page_of(file, "download_csv"))
    assert "dry-run.csv" in trial["Content-Disposition"]
    assert b"Expected status,Expected balance after" in b"".join(trial.streaming_content)  # type: ignore[attr-defined]
    early = susan.post(page_of(file, "reverse"), {"reason": "Early"}, follow=True)
    assert "The file waits for approval." in text_of(early)
    asked = susan.get(page_of(file, "approve"))
    assert "someone else approves it" in text_of(asked)
    mark = asked.context["form"].initial["foreseen"]
    refused = susan.post(page_of(file, "approve"), {"foreseen": mark}, follow=True)
    assert text_of(refused).count("Nobody decides on their own request.") == 1
    assert "You asked for this, so someone else decides." in text_of(susan.get(APPROVALS))
    susan.post(page_of(file, "reject"), {"reason": "Too early"})
    file.refresh_from_db()
    assert file.status == "REJECTED"
    assert "rejected already" in text_of(susan.post(page_of(file, "approve"), {}))
