"""Forms behind the buttons of an account's page."""

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminRadioSelectWidget

from accounts.commands.change_limits import MAX_DAILY_COUNT
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


class LimitsForm(ReasonForm):
    max_amount = AmountFormField(
        required=False, help_text="The most of one payment.", attrs={"autofocus": True}
    )
    daily_amount = AmountFormField(required=False, help_text="The most of a day's payments.")
    daily_count = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_DAILY_COUNT,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="The most payments a day. Empty fields are no limit.",
    )
    reason = ReasonField()
    field_order = ("max_amount", "daily_amount", "daily_count", "reason")


class OverdraftLimitForm(ReasonForm):
    overdraft_limit = AmountFormField(
        help_text="How far below zero the balance may go.", attrs={"autofocus": True}
    )
    reason = ReasonField()
    field_order = ("overdraft_limit", "reason")
