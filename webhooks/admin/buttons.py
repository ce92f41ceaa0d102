"""The base of both admins: buttons that ask once more, and then change the row."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from core.api.permissions import has_right
from core.console.admin import ReadOnlyModelAdmin
from core.console.command_form import form_page
from events.permissions import CanReadEvents
from webhooks.permissions import CanManageWebhooks

COLOURS = {
    "On": "success",
    "Failing": "danger",
    "Off": "plain",
    "Waiting": "warning",
    "Delivered": "success",
    "Skipped": "plain",
}


def may_manage(request: HttpRequest) -> bool:
    """The rule of the API's routes: `CanManageWebhooks`."""
    return all(has_right(request.user, rule.right) for rule in (CanManageWebhooks, CanReadEvents))


class RowWithButtons(ReadOnlyModelAdmin):
    """An admin whose buttons ask once more, and then change the row."""

    change_form_outer_before_template = "webhooks/head.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Puts the buttons on the page itself: the theme's dropdown is not keyboard-accessible."""
        context["buttons"] = context.pop("actions_detail", [])
        return super().render_change_form(request, context, *args, **kwargs)

    def page(
        self,
        request: HttpRequest,
        row: Any,
        *,
        title: str,
        explanation: str,
        run: Callable[[dict[str, Any]], str],
        form: forms.Form | None = None,
        back: str = "",
    ) -> HttpResponse:
        """`run` takes the values of the form, and returns the message to show on the page `back`,
        by default the row's.
        """
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "explanation": f"{self.name_of(row)}: {explanation}",
        }
        form = form or forms.Form(request.POST if request.method == "POST" else None)
        return form_page(request, context, form=form, back=back or page_of(row), run=run)

    def row(self, request: HttpRequest, object_id: str) -> Any:
        row = self.get_object(request, object_id)
        assert row is not None, "The permission check has found it."
        return row

    def name_of(self, row: Any) -> str:
        return str(row)


def page_of(row: Any) -> str:
    return reverse(f"admin:webhooks_{row._meta.model_name}_change", args=(row.pk,))
