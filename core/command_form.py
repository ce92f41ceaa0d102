"""Pages of the admin that ask for a reason and run a command."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextareaWidget

from core.errors import BankError
from core.texts import check_text


class ReasonForm(forms.Form):
    """Why: what a decision of staff is recorded with."""

    reason = forms.CharField(
        max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True})
    )

    def clean_reason(self) -> str:
        # Browsers send the end of a line as CR LF (HTML, form submission).
        reason: str = self.cleaned_data["reason"].replace("\r\n", "\n")
        try:
            check_text(reason, multiline=True)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return reason


def command_page(
    request: HttpRequest,
    context: dict[str, Any],
    *,
    back: str,
    run: Callable[[str], str],
) -> HttpResponse:
    """Asks for a reason, runs the command with it, and tells what happened.

    `run` takes the reason and returns what to tell; a BankError is shown with its code. Either way
    the page that follows is `back`.
    """
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, run(form.cleaned_data["reason"]))
        except BankError as error:
            messages.error(request, f"{error.kind.title}: {error.detail} ({error.code})")
        return HttpResponseRedirect(back)
    return TemplateResponse(request, "core/command.html", {**context, "form": form, "back": back})
