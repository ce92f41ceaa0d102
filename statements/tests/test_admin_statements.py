"""Statements in the console: the list, downloads, and issuing for one account."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from statements.issuing import issue_for_account
from statements.models import Statement
from statements.periods import Month
from statements.tests.monthly_bank import DECEMBER, ORIGIN, MonthlyBank, at, make_monthly_bank
from tests.admin import logged_in_as, words_of

pytestmark = pytest.mark.django_db

LIST = reverse("admin:statements_statement_changelist")


@pytest.fixture
def bank() -> MonthlyBank:
    return make_monthly_bank()


def page_of(account: Account, button: str = "change") -> str:
    return reverse(f"admin:accounts_account_{button}", args=(account.pk,))


def issue(client: Client, account: Account, period: str) -> str:
    with at(DECEMBER):
        path = page_of(account, "issue_statements")
        answer = client.post(path, {"period": period}, follow=True)
    return words_of(answer.content.decode()) if answer.status_code == 200 else "Refused"


def test_a_supervisor_issues_what_one_account_lacks(bank: MonthlyBank) -> None:
    client = logged_in_as("supervisor")
    with at(DECEMBER):
        form = client.get(page_of(bank.ada, "issue_statements")).content.decode()
    assert 'value="2025-11"' in form
    assert "2 statements issued, up to 2025-10." in issue(client, bank.ada, "2025-10")
    again = issue(client, bank.ada, "2025-10")
    assert "Nothing to issue: every month up to 2025-10 has its statement." in again
    stored = list(Statement.objects.order_by("number"))
    assert [(one.account_id, one.period) for one in stored] == [
        (bank.ada.pk, "2025-09"),
        (bank.ada.pk, "2025-10"),
    ]
    assert {one.issued_by.username for one in stored if one.issued_by} == {"supervisor"}


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ("2025-12", "The month 2025-12 has not ended."),
        ("2025-08", "The account was opened later, in 2025-09."),
        ("October", '"October" is no month, like 2025-10.'),
    ],
)
def test_what_cannot_be_is_told_beside_the_field(
    bank: MonthlyBank, period: str, words: str
) -> None:
    answer = issue(logged_in_as("supervisor"), bank.ada, period)
    assert words.replace("2025-10.", "2026-10.") in answer
    assert not Statement.objects.exists()


@pytest.mark.parametrize("role", ["teller", "auditor"])
def test_others_read_and_do_not_issue(bank: MonthlyBank, role: str) -> None:
    client = logged_in_as(role)
    assert client.get(page_of(bank.ada, "issue_statements")).status_code == 403
    assert issue(client, bank.ada, "2025-10") == "Refused"
    html = client.get(page_of(bank.ada)).content.decode()
    assert page_of(bank.ada, "statements") in html
    assert page_of(bank.ada, "issue_statements") not in html
    to_list = client.get(page_of(bank.ada, "statements"))
    assert to_list["Location"] == f"{LIST}?account={bank.ada.number}"


def test_the_bank_s_own_accounts_have_no_buttons(bank: MonthlyBank) -> None:
    cash = Account.objects.get(kind="INTERNAL")
    html = logged_in_as("supervisor").get(page_of(cash)).content.decode()
    assert page_of(cash, "statements") not in html
    assert page_of(cash, "issue_statements") not in html


def test_the_list_and_the_page_show_the_figures(bank: MonthlyBank) -> None:
    with at(DECEMBER):
        for account in (bank.ada, bank.bob):
            issue_for_account(account.pk, Month.parse("2025-10"), origin=ORIGIN)
    client = logged_in_as("auditor")
    words = words_of(client.get(LIST, {"account": bank.ada.number}).content.decode())
    assert "100.00 USD" in words
    assert bank.bob.number not in words
    empty = bank.bob.statements.get(number=1)
    page = reverse("admin:statements_statement_change", args=(empty.pk,))
    assert "No entries" in words_of(client.get(page).content.decode())
    last = bank.ada.statements.get(number=2)
    page = reverse("admin:statements_statement_change", args=(last.pk,))
    words = words_of(client.get(page).content.decode())
    for shown in ("67.50 USD", "2 to 3", last.digest, "2025-09, issued"):
        assert shown in words
    assert client.get(reverse("admin:statements_statement_change", args=("x",))).status_code == 302


@pytest.mark.parametrize("ending", ["json", "csv", "pdf", "xlsx", "camt053"])
def test_each_format_is_downloaded(bank: MonthlyBank, ending: str) -> None:
    with at(DECEMBER):
        issue_for_account(bank.ada.pk, Month.parse("2025-10"), origin=ORIGIN)
    last = bank.ada.statements.get(number=2)
    client = logged_in_as("auditor")
    page = client.get(reverse("admin:statements_statement_change", args=(last.pk,)))
    path = reverse(f"admin:statements_statement_download_{ending}", args=(last.pk,))
    assert path in page.content.decode()
    response = client.get(path)
    if ending == "json":
        assert json.loads(response.content)["digest"] == last.digest
    else:
        assert "attachment" in response["Content-Disposition"]
        assert b"".join(response.streaming_content)
    missing = reverse(f"admin:statements_statement_download_{ending}", args=(bank.ada.pk,))
    assert client.get(missing).status_code == 404
