"""Buttons of an account's page that move money: deposit, withdraw, transfer.

Each button shows a form, then a preview, then runs the same command as the API. The form carries an
idempotency key from the start, so that repeated confirmations make one transaction. The preview is
a page of its own, with the signed form in its address, so that Back, reload and a new login keep
it. It is a dry run, and a confirmation repeats it first: if the outcome has changed, the new
preview is shown and nothing is done.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.admin.buttons import AccountButtons, in_words
from accounts.models import Account
from core.api.requests import origin_of
from core.console.command_form import show_error, show_form
from core.errors import BankError, IdempotencyKeyReused
from transactions.admin.drafts import DRAFT, draft_of, with_draft
from transactions.admin.money_forms import MoneyForm, TransferForm, keyed
from transactions.admin.outcome import MovementPreview, tell
from transactions.api.permissions import CanPostTransactions
from transactions.commands import Deposit, MoneyCommand, Transfer, Withdraw
from transactions.ledger.processor import process, try_out

# Names of the preview's buttons.
CONFIRM, CHANGE = "confirm", "change"


class MoneyButtons(AccountButtons):
    """Mixin for the admin of accounts."""

    def has_move_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanPostTransactions.right)

    @action(
        description="Deposit",
        icon="add",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "move"],
    )
    def deposit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._move(request, object_id, Deposit, MoneyForm)

    @action(
        description="Withdraw",
        icon="remove",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "move"],
    )
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._move(request, object_id, Withdraw, MoneyForm)

    @action(
        description="Transfer",
        icon="swap_horiz",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "move"],
    )
    def transfer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._move(request, object_id, Transfer, TransferForm)

    def _move(
        self,
        request: HttpRequest,
        object_id: str,
        command: type[MoneyCommand],
        form_class: type[MoneyForm],
    ) -> HttpResponse:
        account = self.get_object(request, object_id)
        assert account is not None, "The permission check has found the account."
        context = {
            **self.admin_site.each_context(request),
            "title": command.verb.capitalize(),
            "explanation": in_words(account),
            "button": "Preview",
        }
        back = reverse("admin:accounts_account_change", args=(account.pk,))
        drafted = draft_of(request) if DRAFT in request.GET else None
        if DRAFT in request.GET and drafted is None:
            messages.warning(request, "This preview is out of date. Nothing was done. Begin again.")
            return HttpResponseRedirect(request.path)
        form = form_class(request.POST or drafted, account=account, user=request.user)
        if CHANGE in request.POST:
            return HttpResponseRedirect(with_draft(request, form.entered(), change="1"))
        # The form after "Change" has its draft in the address too; what it posts is new.
        posted = request.method == "POST"
        if form.is_bound and (posted or CHANGE not in request.GET) and form.is_valid():
            if posted and CONFIRM not in request.POST:
                return HttpResponseRedirect(with_draft(request, form.carried()))
            try:
                return self._step(request, context, form, _command(command, account, form), back)
            except IdempotencyKeyReused:
                words = "This form was confirmed before, with other content. Nothing was done now."
                messages.error(request, f"{words} Begin again.")
                return HttpResponseRedirect(back)
            except BankError as error:
                show_error(form, error)
        return show_form(request, context, form=form, back=back)

    def _step(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        form: MoneyForm,
        command: MoneyCommand,
        back: str,
    ) -> HttpResponse:
        """Shows the preview; after a confirmation that still holds, runs the command.

        Raises a BankError that leaves nothing behind.
        """
        origin = origin_of(request)
        outcome = MovementPreview.of(try_out([command], origin)[0], form.account)
        foreseen = form.cleaned_data["foreseen"]
        confirmed = request.method == "POST"
        if outcome.replayed or (confirmed and outcome.is_as(foreseen)):
            if not outcome.replayed:
                outcome = MovementPreview.of(process([command], origin)[0], form.account)
            tell(request, outcome, foreseen)
            return HttpResponseRedirect(back)
        context |= {
            "title": f"{context['title']}: preview",
            "outcome": outcome,
            "has_changed": confirmed and bool(foreseen),
            "carried": {**form.carried(), "foreseen": outcome.mark},
            "back": back,
        }
        return TemplateResponse(request, "transactions/preview.html", context)


def _command(command: type[MoneyCommand], account: Account, form: MoneyForm) -> MoneyCommand:
    content = {"account_id": account.pk, **form.content()}
    return command(**content, **keyed(command.verb, content, form.cleaned_data["key"]))
