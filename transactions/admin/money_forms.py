"""Forms of the buttons that move money."""

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminRadioSelectWidget

from accounts.models import Account
from core.api.idempotency import fingerprints
from core.console.admin import shown_money
from core.console.amounts import example_amount
from core.console.forms import AmountFormField, LineField, MomentField, set_currency
from transactions.admin.lookup import MOST, find_accounts, is_named_whole, why_none, why_not
from transactions.admin.targets import TargetInput
from transactions.ledger.command import DEFAULTS


def keyed(verb: str, content: dict[str, Any], key: UUID) -> dict[str, Any]:
    """The fields of a command that make it run once for its form."""
    return {"idempotency_key": str(key), **fingerprints(verb, content, DEFAULTS)}


class MoneyForm(forms.Form):
    """`key` is the idempotency key. It is made with the empty form, and never changes after that.

    `foreseen` is the outcome that the last preview showed; empty before the first.
    """

    # What was sent after the end of a session comes back: a browser keeps it until then.
    returns_after_login = True

    amount = AmountFormField(attrs={"autofocus": True})
    description = LineField(
        required=False, max_length=500, help_text="Purpose, which the customer can read."
    )
    effective_at = MomentField(
        label="Value date",
        required=False,
        help_text="The past moment from which the amount counts. Empty means now.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    foreseen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)

    def __init__(self, data: Any, *, account: Account, user: Any) -> None:
        super().__init__(data)
        self.account, self.user = account, user
        set_currency(self, account.currency)
        amount = self.fields["amount"]
        amount.label = f"Amount in {account.currency}"
        amount.help_text = f"For example {example_amount(account.currency)}."
        if not settings.BANK_BACKDATE_DAYS:
            del self.fields["effective_at"]

    def content(self) -> dict[str, Any]:
        """The command's parameters, except the account and the key."""
        names = ("amount", "description", "effective_at")
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}

    def carried(self) -> dict[str, str]:
        """The fields that the preview passes on, as they were entered."""
        return {name: text for name, text in self.entered().items() if name != "foreseen"}

    def entered(self) -> dict[str, str]:
        """All fields as they were entered."""
        return {name: self.data.get(name, "") for name in self.fields if name in self.data}


class TransferForm(MoneyForm):
    """Looks up the account to credit by number, id or name; staff choose one of several."""

    target = LineField(
        label="To account",
        max_length=200,
        help_text="Number, id, or a part of the name.",
        widget=TargetInput(attrs={"autofocus": True}),
    )
    choice = forms.ChoiceField(
        label="Which of them?", required=False, widget=UnfoldAdminRadioSelectWidget
    )
    field_order = ("target", "choice", "amount", "description", "effective_at")

    def __init__(self, data: Any, *, account: Account, user: Any) -> None:
        super().__init__(data, account=account, user=user)
        self.found: list[Account] = []
        target: Any = self.fields["target"].widget
        target.source = account
        del self.fields["amount"].widget.attrs["autofocus"]
        self._look_up()

    def _look_up(self) -> None:
        """Looks up the entered text if it is valid; otherwise the field reports the error."""
        with suppress(ValidationError):
            text = self.fields["target"].clean(self.data.get("target"))
            self.found = find_accounts(text, user=self.user, source=self.account)
        if self._asks:
            choices = [(str(account.pk), _in_words(account)) for account in self.found[:MOST]]
            self.fields["choice"].choices = choices  # type: ignore[attr-defined]
            if len(choices) == 1:
                self.fields["choice"].label = "Is it this one?"
        else:
            del self.fields["choice"]

    @property
    def _asks(self) -> bool:
        """Whether staff must choose: among several, or to confirm one that was named in part."""
        text = self.data.get("target") or ""
        return bool(self.found) and (len(self.found) > 1 or not is_named_whole(self.found[0], text))

    def clean(self) -> dict[str, Any]:
        if "target" in self.cleaned_data and (problem := self._problem()):
            self.add_error(*problem)
        return self.cleaned_data

    def _problem(self) -> tuple[str, str] | None:
        """The field and the sentence, if the target cannot be credited or is not chosen yet."""
        if not self.found:
            text = self.cleaned_data["target"]
            return "target", why_none(text, user=self.user, source=self.account)
        if reason := why_not(self.found[0], self.account):
            return "target", reason
        if not self._asks or self.cleaned_data.get("choice"):
            return None
        if len(self.found) > MOST:
            return "target", f"More than {MOST} accounts: write more of the name."
        if len(self.found) == 1:
            return (
                "choice",
                "One account has this text in its name or number: choose it.",
            )
        return "choice", "Several accounts have this text in their name: choose one."

    def target_account(self) -> Account:
        chosen = self.cleaned_data.get("choice")
        return next((one for one in self.found if str(one.pk) == chosen), self.found[0])

    def content(self) -> dict[str, Any]:
        return {"target_account_id": self.target_account().pk, **super().content()}

    def carried(self) -> dict[str, str]:
        """Passes on the account by its number: a name may match another account a moment later."""
        carried = {name: text for name, text in super().carried().items() if name != "choice"}
        return {**carried, "target": self.target_account().number}


def _in_words(account: Account) -> str:
    customer = f", customer {account.customer.name}" if account.customer else ""
    owner = f", owner {account.owner.get_username()}" if account.owner else ""
    balance = shown_money(account.balance, account.currency)
    return f"{account.number} {account.name}{customer}{owner} ({balance})"
