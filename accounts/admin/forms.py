"""Forms behind the buttons of an account's page."""

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget

from accounts.states import FreezeScope
from core.console.forms import AmountFormField, LineField, ReasonField, ReasonForm


class RenameForm(ReasonForm):
    name = LineField(max_length=200, attrs={"autofocus": True})
    reason = ReasonField(required=False)
    field_order = ("name", "reason")


class FreezeForm(ReasonForm):
    scope = forms.ChoiceField(
        label="Block",
        choices=[
            (FreezeScope.ALL, "All: no money leaves or enters the account"),
            (FreezeScope.DEBITS, "Debits: no money leaves the account"),
            (FreezeScope.CREDITS, "Credits: no money enters the account"),
        ],
        initial=FreezeScope.ALL,
        widget=UnfoldAdminRadioSelectWidget,
    )
    field_order = ("scope", "reason")


class OverdraftLimitForm(ReasonForm):
    overdraft_limit = AmountFormField(
        help_text="How far below zero the balance may go.", attrs={"autofocus": True}
    )
    reason = ReasonField()
    field_order = ("overdraft_limit", "reason")
