"""The suggestions below the field for the account that a transfer credits."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import Account
from accounts.selectors import visible_accounts
from core.api.permissions import has_right
from core.console.combobox import COMBOBOX, combobox
from transactions.admin.lookup import suggested_accounts, why_not
from transactions.api.permissions import CanPostTransactions

_SHOWN = 8
_LONGEST = 200


@require_safe
def targets_page(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """The list of suggestions for `q`, for users who may transfer from the account."""
    if not has_right(request.user, CanPostTransactions.right):
        raise PermissionDenied
    source = visible_accounts(request.user).filter(pk=account_id).first()
    if source is None:
        raise Http404
    text = request.GET.get("q", "").replace("\x00", "")[:_LONGEST]
    found = suggested_accounts(text, user=request.user, source=source, limit=_SHOWN)
    rows = [(account, why_not(account, source)) for account in found]
    return render(request, "transactions/targets.html", {"rows": rows})


class TargetInput(UnfoldAdminTextInputWidget):
    """A field with suggestions for the transfers of `source`."""

    source: Account

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        field = super().render(name, value, {**(attrs or {}), **COMBOBOX}, renderer)
        return combobox(field, reverse("transfer-targets", args=(self.source.pk,)))
