"""Deposit, withdraw and transfer at the counter: form, preview, and a single transaction."""

from decimal import Decimal

import pytest
from django.test import Client, override_settings

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import Account
from tests.admin import account_url, logged_in_as, words_of
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Withdraw
from transactions.tests.counter import BUTTONS, confirm, hidden, newest, preview, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def teller() -> Client:
    return logged_in_as("teller")


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada", balance="100.25")


@pytest.fixture
def bob() -> Account:
    return make_account(name="Bob", balance=7)


def linked(words: str, link: str = "Show the transaction") -> str:
    page = f"/admin/transactions/transaction/{newest().pk}/change/"
    own = newest().credit_account if newest().type == "DEPOSIT" else newest().debit_account
    link_of_receipt = f"{page.replace('/change/', '/receipt/')}?account={own.pk}"
    receipt = f' <a class="underline" href="{link_of_receipt}">Receipt</a>'
    done = newest().status == "COMPLETED"
    return f'{words} <a class="underline" href="{page}">{link}</a>{receipt if done else ""}'


def test_a_deposit_shows_its_outcome_first(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "deposit", amount="1234.50", description="Salary")
    assert f"To Ada {ada.number} 100.25 USD 1,334.75 USD" in words_of(page)
    assert "Deposit of 1,234.50 USD" in words_of(page)
    told = confirm(teller, ada, "deposit", page)
    assert told == [linked("Deposited 1,234.50 USD. The balance is now 1,334.75 USD.")]
    made = newest()
    assert (made.type, made.status, made.amount) == ("DEPOSIT", "COMPLETED", Decimal("1234.5"))
    assert (made.credit_account_id, made.description) == (ada.pk, "Salary")
    assert made.created_by is not None
    assert made.created_by.username == "teller"


def test_a_withdrawal(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "withdraw", amount="0.25")
    assert f"From Ada {ada.number} 100.25 USD 100.00 USD" in words_of(page)
    told = confirm(teller, ada, "withdraw", page)
    assert told == [linked("Withdrew 0.25 USD. The balance is now 100.00 USD.")]


def test_a_transfer_shows_both_sides(teller: Client, ada: Account, bob: Account) -> None:
    page = preview(teller, ada, "transfer", target="bob", amount="99")
    assert f"From Ada {ada.number} 100.25 USD 1.25 USD" in words_of(page)
    assert f"To Bob {bob.number} 7.00 USD 106.00 USD" in words_of(page)
    told = confirm(teller, ada, "transfer", page)
    words = f"Transferred 99.00 USD to {bob.number} Bob. The balance is now 1.25 USD."
    assert told == [linked(words)]
    bob.refresh_from_db()
    assert bob.balance == 106


def test_the_same_confirmation_twice_makes_one_transaction(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "deposit", amount="5")
    confirm(teller, ada, "deposit", page)
    with nothing_changes():
        told = confirm(teller, ada, "deposit", page)
    words = "Already done; nothing was repeated. Deposited 5.00 USD. The balance is now 105.25 USD."
    assert told[-1] == linked(words)


def test_a_form_says_what_came_of_it_when_the_account_is_closed_by_now(teller: Client) -> None:
    gone = make_account(name="Gone", balance=5)
    done = preview(teller, gone, "withdraw", amount="5")
    late = preview(teller, gone, "deposit", amount="7")
    confirm(teller, gone, "withdraw", done)
    run(CloseAccount(account_id=gone.id, reason="Left"))
    with nothing_changes():
        told = confirm(teller, gone, "withdraw", done)
        data = {**hidden(late), "confirm": "1"}
        page = teller.post(account_url(gone, "deposit"), data, follow=True)
    assert told[-1].startswith("Already done; nothing was repeated. Withdrew 5.00 USD.")
    assert page.status_code == 200
    assert "The account is closed" in page.content.decode()


def test_a_form_that_was_confirmed_takes_no_other_content(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "deposit", amount="5")
    confirm(teller, ada, "deposit", page)
    with nothing_changes():
        values = {**hidden(page), "amount": "6"}
        response = teller.get(teller.post(account_url(ada, "deposit"), values)["Location"])
    assert said(response)[-1] == (
        "This form was confirmed before, with other content. Nothing was done now. Begin again."
    )


def test_two_forms_are_two_transactions(teller: Client, ada: Account) -> None:
    for balance in ("105.25", "110.25"):
        told = confirm(teller, ada, "deposit", preview(teller, ada, "deposit", amount="5"))
        assert told[-1] == linked(f"Deposited 5.00 USD. The balance is now {balance} USD.")


def test_another_outcome_than_the_preview_s_is_shown_again(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "withdraw", amount="100")
    run(Withdraw(account_id=ada.id, amount=Decimal(50)))
    with nothing_changes():
        data = {**hidden(page), "confirm": "1"}
        response = teller.post(account_url(ada, "withdraw"), data, follow=True)
    again = response.content.decode()
    assert "The account has changed since the preview. Nothing was done;" in again
    assert "Insufficient funds: 50.25 USD available, 100.00 USD needed." in again
    confirm(teller, ada, "withdraw", again)
    assert newest().failure_code == "insufficient_funds"


def test_another_balance_than_the_preview_s_is_told(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "deposit", amount="5")
    deposit(ada, 1)
    told = confirm(teller, ada, "deposit", page)
    words = (
        "Deposited 5.00 USD. The balance is now 106.25 USD."
        " It differs from the preview: others have used the account since."
    )
    assert told == [linked(words)]


def test_a_refusal_is_foreseen_and_kept_if_confirmed(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "withdraw", amount="1000")
    words = "Insufficient funds: 100.25 USD available, 1,000.00 USD needed."
    assert words in words_of(page)
    assert f"From Ada {ada.number} 100.25 USD unchanged" in words_of(page)
    assert "which can be retried once the reason is gone" in page
    told = confirm(teller, ada, "withdraw", page)
    assert told == [linked(f"{words} Nothing has moved.", "Show the failed transaction")]
    assert (newest().status, newest().failure_code) == ("FAILED", "insufficient_funds")


def test_a_frozen_account_takes_no_deposit(teller: Client, ada: Account) -> None:
    run(FreezeAccount(account_id=ada.id, reason="Court order"))
    page = preview(teller, ada, "deposit", amount="5")
    assert "The account is frozen: " in page
    assert "The account is frozen" in page


@override_settings(BANK_APPROVAL_THRESHOLDS={"USD": Decimal(50)})
def test_a_large_amount_waits_for_a_second_person(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "deposit", amount="50")
    assert "It waits until a second person approves it." in page
    assert f"Balance now If approved now To Ada {ada.number} 100.25 USD 150.25 USD" in words_of(
        page
    )
    told = confirm(teller, ada, "deposit", page)
    words = "Deposit of 50.00 USD waits for a second person to approve it. Nothing has moved yet."
    assert told == [linked(words, "Show the transaction that waits")]
    assert (newest().status, newest().approval_required) == ("PENDING", True)


@override_settings(BANK_APPROVAL_THRESHOLDS={"USD": Decimal(50)})
def test_a_preview_tells_why_approval_would_be_refused(teller: Client, ada: Account) -> None:
    words = "Insufficient funds: 100.25 USD available, 1,000.00 USD needed."
    for amount, refused in (("1000", True), ("100", False)):
        page = words_of(preview(teller, ada, "withdraw", amount=amount))
        assert ("It waits until a second person approves it." in page) is not refused
        assert (words in page, "Ask all the same" in page) == (refused, refused)


@override_settings(BANK_APPROVAL_DAILY_THRESHOLDS={"USD": Decimal(50)})
def test_so_does_what_passes_the_threshold_of_the_day(teller: Client, ada: Account) -> None:
    for amount, waits in (("30", False), ("21", True)):
        page = preview(teller, ada, "deposit", amount=amount)
        assert ("It waits until a second person approves it." in page) is waits
        (told,) = confirm(teller, ada, "deposit", page)
        assert ("waits for a second person" in told) is waits
        assert newest().approval_required is waits


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("50,00", 'An amount is written as digits with a decimal point, like "500.00".'),
        ("1e2", 'An amount is written as digits with a decimal point, like "500.00".'),
        ("0.005", "An amount in USD has at most 2 decimals."),
        ("1.005", "1.005 can mean two amounts. Write 1005.00 for the larger one."),
        ("5 EUR", "The amount is in USD here, not in EUR."),
        ("0", "The amount must be above zero."),
        ("100000000001", "The amount is above 100000000000."),
        ("", "This field is required."),
    ],
)
def test_amounts_are_refused_in_the_words_of_the_api(
    teller: Client, ada: Account, amount: str, words: str
) -> None:
    page = preview(teller, ada, "deposit", amount=amount, description="Kept")
    assert words in page.replace("&quot;", '"')
    assert 'value="Kept"' in page
    assert 'name="confirm"' not in page


def test_an_amount_is_taken_as_the_console_shows_it(teller: Client, ada: Account) -> None:
    deposit(ada, "1916.15")
    shown = words_of(teller.get(account_url(ada)).content.decode())
    assert "2,016.40 USD" in shown
    for text in ("2,016.40", " 2,016.40 USD ", "2016.4"):
        page = preview(teller, ada, "withdraw", amount=text)
        assert "Withdrawal of 2,016.40 USD" in words_of(page)
    confirm(teller, ada, "withdraw", page)
    assert newest().debit_balance_after == 0


def test_change_leads_back_to_the_form_as_it_was(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "deposit", amount="5", description="Gift")
    shown = teller.post(account_url(ada, "deposit"), {**hidden(page), "change": "1"}, follow=True)
    form = shown.content.decode()
    assert 'name="amount" value="5"' in form
    assert 'value="Gift"' in form
    assert hidden(form)["key"] == hidden(page)["key"]
    # The form posts to its own address.
    address = shown.redirect_chain[-1][0]
    again = teller.post(address, {**hidden(form), "amount": "6"}, follow=True)
    page = again.content.decode()
    assert "Deposit of 6.00 USD" in words_of(page)
    confirm(teller, ada, "deposit", page)
    assert newest().amount == 6


class TestTarget:
    """The account that a transfer credits."""

    @pytest.mark.parametrize("field", ["number", "id", "name"])
    def test_is_found_by_number_id_or_name(
        self, teller: Client, ada: Account, bob: Account, field: str
    ) -> None:
        page = preview(teller, ada, "transfer", target=f" {getattr(bob, field)} ", amount="1")
        assert hidden(page)["target"] == bob.number

    def test_is_chosen_from_several(self, teller: Client, ada: Account, bob: Account) -> None:
        bobby = make_account(name="Bobby")
        page = preview(teller, ada, "transfer", target="BOB", amount="1")
        assert "Several accounts have this text in their name: choose one." in page
        assert f"{bob.number} Bob (7.00 USD)" in page
        values = {"target": "BOB", "choice": str(bobby.pk)}
        assert hidden(preview(teller, ada, "transfer", amount="1", **values))["target"] == (
            bobby.number
        )
        values["choice"] = str(ada.pk)
        assert "Select a valid choice." in preview(teller, ada, "transfer", amount="1", **values)

    def test_with_a_character_that_no_database_keeps_is_nobody(
        self, teller: Client, ada: Account
    ) -> None:
        page = preview(teller, ada, "transfer", target="Bo\x00b", amount="1")
        assert "Null characters are not allowed." in page

    def test_is_not_among_too_many(self, teller: Client, ada: Account) -> None:
        for number in range(11):
            make_account(name=f"Smith {number}")
        page = preview(teller, ada, "transfer", target="smith", amount="1")
        assert "More than 10 accounts: write more of the name." in page
        assert page.count('type="radio"') == 10

    def test_by_name_is_open_in_the_currency_and_another(
        self, teller: Client, ada: Account, bob: Account
    ) -> None:
        run(CloseAccount(account_id=make_account(name="Xa closed").id, reason="Left"))
        make_account(name="Xa in euro", currency="EUR")
        for name in ("Xa", "ada", "Cash", "nobody"):
            page = preview(teller, ada, "transfer", target=name, amount="1")
            assert "No open account in USD has this number or name." in page, name

    @pytest.mark.parametrize("way", ["number", "id", "name"])
    def test_says_what_is_wrong_with_it(self, teller: Client, ada: Account, way: str) -> None:
        euro, gone = make_account(name="Eve", currency="EUR"), make_account(name="Gone")
        run(CloseAccount(account_id=gone.id, reason="Left"))
        for account, words in (
            (euro, "This account is in EUR."),
            (gone, "This account is closed."),
        ):
            text = str(getattr(account, way))
            page = preview(teller, ada, "transfer", target=text, amount="1")
            assert words in page
            assert 'name="confirm"' not in page

    def test_with_a_typing_error_is_called_so(self, teller: Client, ada: Account) -> None:
        bob = make_account(name="Bob")
        wrong = f"{bob.number[:-1]}{(int(bob.number[-1]) + 1) % 10}"
        for text in (wrong, f"{wrong[:4]} {wrong[4:]}"):
            page = preview(teller, ada, "transfer", target=text, amount="1")
            assert "This number has a typing error." in page
        page = preview(teller, ada, "transfer", target=wrong[:-1] + "x", amount="1")
        assert "No open account in USD has this number or name." in page

    def test_itself_is_refused_by_the_command_s_own_words(
        self, teller: Client, ada: Account
    ) -> None:
        page = preview(teller, ada, "transfer", target=ada.number, amount="1")
        assert "An account cannot transfer to itself." in page

    def test_named_in_part_is_asked_about(self, teller: Client, ada: Account) -> None:
        savings = make_account(name="Ada, savings")
        for text in ("Ada", savings.number[:6], "savings"):
            page = preview(teller, ada, "transfer", target=text, amount="1")
            assert "One account has this text in its name or number: choose it." in page
            assert "Is it this one?" in page
            assert 'name="confirm"' not in page
            values = {"target": text, "choice": str(savings.pk)}
            chosen = preview(teller, ada, "transfer", amount="1", **values)
            assert hidden(chosen)["target"] == savings.number
        page = preview(teller, ada, "transfer", target="ADA,  Savings", amount="1")
        assert hidden(page)["target"] == savings.number


@pytest.mark.parametrize(
    ("role", "status"), [("auditor", 403), ("teller", 200), ("supervisor", 200)]
)
def test_money_buttons_are_for_their_right(role: str, status: int, ada: Account) -> None:
    client = logged_in_as(role)
    html = client.get(account_url(ada)).content.decode()
    with nothing_changes():
        for button in BUTTONS:
            assert client.get(account_url(ada, button)).status_code == status, button
            values = {"amount": "1", "confirm": "1", "key": "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27"}
            response = client.post(account_url(ada, button), values, follow=True)
            assert response.status_code == status, button
            assert (account_url(ada, button) in html) == (status == 200), button


def test_a_superuser_moves_money_by_the_same_command(admin_client: Client, ada: Account) -> None:
    confirm(admin_client, ada, "deposit", preview(admin_client, ada, "deposit", amount="5"))
    assert newest().created_by is not None
    assert newest().idempotency_caller == f"user:{newest().created_by_id}"


def test_closed_and_internal_accounts_have_no_money_buttons(teller: Client) -> None:
    closed = make_account()
    run(CloseAccount(account_id=closed.id, reason="Left"))
    cash = Account.objects.get(number="CASH-USD")
    for account in (closed, cash):
        html = teller.get(account_url(account)).content.decode()
        for button in BUTTONS:
            assert teller.get(account_url(account, button)).status_code == 403
            assert teller.post(account_url(cash, button), {"amount": "5"}).status_code == 403
            assert account_url(account, button) not in html


def test_without_a_key_of_the_form_nothing_is_done(teller: Client, ada: Account) -> None:
    with nothing_changes():
        response = teller.post(
            account_url(ada, "deposit"), {"amount": "5", "confirm": "1", "foreseen": "COMPLETED"}
        )
    assert response.status_code == 200


def test_a_confirmation_that_no_preview_foresaw_is_previewed(teller: Client, ada: Account) -> None:
    values = {"amount": "5", "confirm": "1", "key": "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27"}
    with nothing_changes():
        page = teller.post(account_url(ada, "deposit"), values, follow=True).content.decode()
    assert 'name="confirm"' in page
    assert "has changed" not in page
