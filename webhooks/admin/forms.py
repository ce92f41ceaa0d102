"""The forms behind the buttons of a webhook."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core import clock
from core.console.forms import LineField, MomentField
from core.identifiers import uuid7
from events.changes import TYPES
from webhooks.addresses import MOST_URL_CHARACTERS
from webhooks.models import Endpoint
from webhooks.replay import MOST_REPLAYED

_NO_KEY = "This form is not of this bank. Open it again."


class WebhookForm(forms.Form):
    """What a webhook is. The command checks the URL."""

    url = LineField(
        label="URL",
        max_length=MOST_URL_CHARACTERS,
        help_text="Where events go: https://, a public host, port 443 or from 1024 on.",
        attrs={"autofocus": True, "autocomplete": "off"},
    )
    description = LineField(required=False, max_length=200, help_text="For people.")
    types = forms.MultipleChoiceField(
        required=False,
        choices=[(one, one) for one in TYPES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="None for all.",
    )


class NewWebhookForm(WebhookForm):
    """`key` becomes the id of the webhook, so a form sent twice makes only one.

    It has the moment of the form: lists are ordered, and filtered by days, by ids.
    """

    key = forms.UUIDField(widget=forms.HiddenInput, initial=lambda: uuid7(clock.now()))

    def clean_key(self) -> UUID:
        key: UUID = self.cleaned_data["key"]
        if key.version != 7:
            raise ValidationError(_NO_KEY, code="invalid")
        return key


class ChangeWebhookForm(WebhookForm):
    """Shows what the webhook is, and sends that along. What others change meanwhile stays."""

    def __init__(self, data: Any, endpoint: Endpoint) -> None:
        super().__init__(data, initial={name: getattr(endpoint, name) for name in self.base_fields})
        for field in self.fields.values():
            field.show_hidden_initial = True

    def changed(self) -> dict[str, Any]:
        """The values that differ from those shown. To be called on a valid form."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class SecretForm(forms.Form):
    """`shown` says of which secret the page spoke, so a form sent twice replaces only that one."""

    shown = forms.CharField(widget=forms.HiddenInput, max_length=40, required=False)


class ReplayForm(forms.Form):
    """A time, in which deliveries were taken up."""

    after = MomentField(label="From", help_text="Deliveries that were taken up from then on.")
    before = MomentField(
        label="Until", help_text=f"And before then. At most {MOST_REPLAYED:,} at a time."
    )
