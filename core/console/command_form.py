"""Admin pages that ask for input, mostly a reason, and run a command."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from core.console.admin import for_staff
from core.console.forms import ReasonForm, add_errors
from core.errors import BankError

_TEMPLATE = "core/command.html"


def command_page(
    request: HttpRequest,
    context: dict[str, Any],
    *,
    back: str,
    run: Callable[[str], str],
    reason_required: bool = True,
) -> HttpResponse:
    """Asks for a reason, runs the command with it, and shows the result: see `form_page`."""
    form = ReasonForm(request.POST or None)
    form.fields["reason"].required = reason_required
    return form_page(
        request, context, form=form, back=back, run=lambda values: run(values["reason"])
    )


def form_page(
    request: HttpRequest,
    context: dict[str, Any],
    *,
    form: forms.Form,
    back: str,
    run: Callable[[dict[str, Any]], str],
    template: str = _TEMPLATE,
) -> HttpResponse:
    """Shows the form, runs the command with its values, and shows the result.

    `run` takes the cleaned values and returns the message to show. A BankError about fields of the
    form is shown beside them, in the form; any other is shown as a sentence on the page `back`. On
    success it redirects to `back`. `context` has each_context, `title` and `explanation`.
    """
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, run(form.cleaned_data))
        except BankError as error:
            if add_errors(form, error):
                return show_form(request, context, form=form, back=back, template=template)
            messages.error(request, in_one_line(error))
        return HttpResponseRedirect(back)
    return show_form(request, context, form=form, back=back, template=template)


def show_form(
    request: HttpRequest,
    context: dict[str, Any],
    *,
    form: forms.Form,
    back: str,
    template: str = _TEMPLATE,
) -> HttpResponse:
    """Renders the form. `template` extends core/command.html. `target` in the context is the URL
    that the form posts to, by default the page's own.
    """
    return TemplateResponse(request, template, {**context, "form": form, "back": back})


def show_error(form: forms.Form, error: BankError, field: str | None = None) -> None:
    """Puts an error into the form: beside its fields, or else beside `field` or above all."""
    if not add_errors(form, error):
        form.add_error(field, in_one_line(error))


def in_one_line(error: BankError) -> str:
    """The error as one line for staff."""
    return for_staff(error.in_words)
