"""The page of a decision on a transaction: what it is about, and what the decision would do now.

The page makes a dry run of the decision, and a submitted form repeats it first: if the outcome has
changed meanwhile, the page shows the new one and nothing is done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Account
from core.api.requests import origin_of
from core.commands import Command
from core.console.admin import EMPTY, shown_money
from core.console.command_form import in_one_line, show_form
from core.console.forms import DecisionForm, carry
from core.errors import BankError
from transactions.admin.filters import shown_status
from transactions.admin.note_pages import notes_for_decision
from transactions.admin.outcome import MovementPreview, PreviewSide
from transactions.admin.timeline import maker_in_words
from transactions.ledger.processor import process, try_out
from transactions.models import Transaction, TransactionEvent
from transactions.reads.approvals import requests_to_retry

# Makes the command, given the reason.
Make = Callable[[str], Command]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a decision would do now: its outcome, or the `error` that would refuse it."""

    transaction: Transaction
    outcome: MovementPreview | None
    error: str = ""

    @property
    def kind(self) -> str:
        return self.outcome.kind if self.outcome else self.error

    @property
    def mark(self) -> str:
        """Identifies the outcome, for a later check whether it still holds: its kind, balances.

        It begins and ends with no blank, which a form would strip.
        """
        afters = [side.after for side in self.outcome.sides()] if self.outcome else []
        return "|".join([self.kind, *afters])

    def is_as(self, mark: str) -> bool:
        """Whether the page with this mark showed the same outcome, apart from balances."""
        return mark.partition("|")[0] == self.kind

    @property
    def title(self) -> str:
        of = self.transaction
        return f"{of.get_type_display()} of {shown_money(of.amount, of.currency)}"

    @property
    def status(self) -> str:
        return shown_status(self.transaction)

    @property
    def asked_by(self) -> str:
        return maker_in_words(self.transaction)

    def retries(self) -> list[TransactionEvent]:
        return requests_to_retry([self.transaction.pk])

    @property
    def refusal(self) -> str:
        """Why the money would not move if it were decided now; "" if it would."""
        if self.outcome is None or not self.outcome.is_refused:
            return ""
        return self.outcome.refusal

    @property
    def refusal_if_approved(self) -> str:
        """Why an approval would be refused now: of what waits, also if it is to be rejected."""
        if self.outcome is None:
            return ""
        ends = self.outcome.failed and self.transaction.waits_for_approval()
        is_approval = self.outcome.transaction.approved_by_id is not None
        about = self.original if ends and not is_approval else self.outcome
        return about.refusal_if_approved

    @property
    def original(self) -> MovementPreview:
        """The transaction as it is now."""
        return MovementPreview(self.transaction, self.transaction.debit_account, replayed=False)

    @property
    def waits(self) -> str:
        """What the transaction would still wait for; "" if it would not."""
        if self.outcome is None or not self.outcome.waits:
            return ""
        if self.outcome.transaction.waits_for_approval():
            return "It would wait until a second person approves it. Nothing moves before."
        return "It would wait for its time. Nothing moves before."

    @property
    def afterwards(self) -> str:
        return self.outcome.afterwards if self.outcome else "Afterwards"

    def sides(self) -> list[PreviewSide]:
        """Both accounts, the debited one first; an internal account keeps no balance."""
        moved = self.outcome.transaction if self.outcome else self.transaction
        shown = {side.account.pk: side for side in self.outcome.sides()} if self.outcome else {}
        return [
            shown.get(account.pk) or PreviewSide(words, account, _balance(account), "")
            for words, account in (("From", moved.debit_account), ("To", moved.credit_account))
        ]


def _balance(account: Account) -> str:
    return EMPTY if account.balance is None else shown_money(account.balance, account.currency)


def decision_page(
    request: HttpRequest,
    context: dict[str, Any],
    *,
    transaction: Transaction,
    make: Make,
    done: str,
    back: str,
    reason_required: bool = True,
) -> HttpResponse:
    """Shows what the decision would do and asks for the reason; a submitted form decides.

    `done` is the decision as a past participle: "Rejected". `context` has each_context and `title`.
    """
    form = DecisionForm(request.POST or None)
    form.fields["reason"].required = reason_required
    decides = request.method == "POST" and form.is_valid()
    reason = form.cleaned_data["reason"] if decides else ""
    foreseen = _foresee(request, transaction, make(reason))
    has_changed = bool(foreseen.outcome and form.shown) and not foreseen.is_as(form.shown)
    if decides and not has_changed:
        _decide(request, make(reason), foreseen, form.shown, done)
        return HttpResponseRedirect(back)
    carry(form, "foreseen", foreseen.mark)
    context |= {"foreseen": foreseen, "has_changed": has_changed}
    context["notes"] = notes_for_decision(request, transaction)
    return show_form(request, context, form=form, back=back, template="transactions/decision.html")


def _foresee(request: HttpRequest, transaction: Transaction, command: Command) -> Foreseen:
    try:
        row = try_out([command], origin_of(request))[0]
    except BankError as error:
        return Foreseen(transaction, None, in_one_line(error))
    return Foreseen(transaction, MovementPreview.of(row, transaction.debit_account))


def _decide(
    request: HttpRequest, command: Command, foreseen: Foreseen, shown: str, done: str
) -> None:
    """Runs the command and tells the outcome, with a link to the transaction."""
    try:
        row: Any = process([command], origin_of(request))[0]
    except BankError as error:
        messages.error(request, _with_link(f"Nothing was done. {in_one_line(error)}", foreseen))
        return
    result = Foreseen(
        foreseen.transaction, MovementPreview.of(row, foreseen.transaction.debit_account)
    )
    assert result.outcome is not None
    words = f"{done}: {movement_in_words(result.transaction)}."
    if result.refusal:
        words = f"{words} It has failed. {result.refusal}"
    elif result.waits:
        words = f"{words} {result.waits.replace('It would wait', 'It waits')}"
    elif shown and result.mark != shown:
        words = f"{words} The balances differ from the page: others have used the account since."
    level = messages.ERROR if result.refusal else messages.SUCCESS
    messages.add_message(request, level, _with_link(words, result))


def _with_link(words: str, of: Foreseen) -> SafeString:
    row = of.outcome.transaction if of.outcome else of.transaction
    page = reverse("admin:transactions_transaction_change", args=(row.pk,))
    return format_html('{} <a class="underline" href="{}">Show it</a>', words, page)


def movement_in_words(moved: Transaction) -> str:
    """ "deposit of 5,000.00 USD to Grace Hopper": the customers by name."""
    amount = shown_money(moved.amount, moved.currency)
    words = f"{moved.get_type_display().lower()} of {amount}"
    if moved.debit_account.balance is not None:
        words = f"{words} from {moved.debit_account.full_name}"
    if moved.credit_account.balance is not None:
        words = f"{words} to {moved.credit_account.full_name}"
    return words
