"""The form that creates a client."""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib.auth import get_user_model
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from clients.admin.rights import ONLY_A_SUPERUSER, may_let_act_as
from clients.scopes import SCOPES
from core.console.forms import LineField


class ClientForm(forms.Form):
    """`key` becomes the id of the client, so a form sent twice creates only one."""

    name = LineField(
        max_length=200, help_text="Description of the program.", attrs={"autofocus": True}
    )
    user = LineField(
        label="Acts as",
        max_length=150,
        help_text="User name of the customer or member of staff whose rights the program has.",
        attrs={"autocomplete": "off"},
    )
    scopes = forms.MultipleChoiceField(
        label="Permitted scopes of its tokens",
        choices=[(scope, f"{words} ({scope})") for scope, words in SCOPES.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, data: Any, *, creator: Any) -> None:
        super().__init__(data)
        self.creator = creator

    def clean_user(self) -> Any:
        """An active user: a customer or oneself, and for superusers any other member of staff."""
        user: Any = get_user_model().objects.filter(username=self.cleaned_data["user"]).first()
        if user is None or not user.is_active:
            raise forms.ValidationError("There is no active user with this name.")
        if not may_let_act_as(self.creator, user):
            raise forms.ValidationError(ONLY_A_SUPERUSER)
        return user
