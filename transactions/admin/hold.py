"""The list of holds, and a page for each with its captures and its buttons."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.models import holders
from core.api.permissions import has_right
from core.api.requests import origin_of
from core.console.admin import (
    ReadOnlyModelAdmin,
    ReadOnlyTabularInline,
    badge,
    link_to,
    shown_money,
)
from core.console.admin_filters import DaysById
from core.console.command_form import form_page
from core.console.forms import ReasonForm
from core.console.request_cache import RequestCache
from transactions.admin.hold_forms import CaptureForm
from transactions.admin.money_forms import keyed
from transactions.api.permissions import CanPostTransactions
from transactions.commands import Capture, VoidHold
from transactions.ledger.processor import process
from transactions.models import Hold, HoldCapture
from transactions.states import HoldStatus, TransactionStatus

_HOLD = RequestCache[Hold | None]()
_COLOURS = {"Open": "warning", "Captured": "success", "Voided": "plain", "Expired": "plain"}


class CaptureInline(ReadOnlyTabularInline):
    model = HoldCapture
    fields = ("of_transaction", "amount", "shown_status", "final")
    readonly_fields = fields
    verbose_name_plural = "captures"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("transaction").order_by("-pk")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who sees a hold sees its captures."""
        return has_right(request.user, "transactions.view_hold")

    @display(description="Transaction")
    def of_transaction(self, capture: HoldCapture) -> SafeString:
        return link_to(capture.transaction, str(capture.transaction))

    @display(description="Amount")
    def amount(self, capture: HoldCapture) -> str:
        return shown_money(capture.transaction.amount, capture.transaction.currency)

    @display(description="Status")
    def shown_status(self, capture: HoldCapture) -> str:
        return str(capture.transaction.get_status_display())


@admin.register(Hold)
class HoldAdmin(ReadOnlyModelAdmin):
    when_empty = "Nothing is held. The page of an account has the form, and programs use the API."
    list_display = (
        "created_at",
        "of_account",
        "money_amount",
        "money_captured",
        "shown_status",
        "expires_at",
        "description",
    )
    list_select_related = holders("account")
    list_filter = (("status", ChoicesRadioFilter), ("created_at", DaysById))
    linked_by = ("account",)
    actions_detail = ("capture", "void")
    inlines = (CaptureInline,)
    fieldsets = (
        (
            "Hold",
            {
                "fields": (
                    ("account", "target_account"),
                    ("money_amount", "money_captured"),
                    ("money_held", "shown_status"),
                    ("created_at", "expires_at"),
                    "description",
                    "created_by",
                )
            },
        ),
        ("End", {"fields": (("ended_at", "ended_by"), "end_reason")}),
        (
            "Record",
            {
                "classes": ("collapse",),
                "fields": (
                    ("id", "currency"),
                    ("caller", "idempotency_key"),
                    ("request_id", "address"),
                    ("request_fingerprint", "updated_at"),
                ),
            },
        ),
    )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Hold | None:
        """Reads the hold once for the page and its buttons."""
        read = super().get_object
        return _HOLD.get(request, lambda: read(request, object_id, from_field))

    def has_move_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Only what is open has the buttons. A posted form goes to the command in any state."""
        if not has_right(request.user, CanPostTransactions.right):
            return False
        hold = self.get_object(request, object_id)
        return hold is not None and (request.method == "POST" or hold.status == HoldStatus.OPEN)

    @action(
        description="Capture",
        icon="payments",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "move"],
    )
    def capture(self, request: HttpRequest, object_id: str) -> HttpResponse:
        hold = self._hold(request, object_id)
        form = CaptureForm(request.POST or None, hold=hold)

        def run(values: dict[str, Any]) -> str:
            key = values.pop("key")
            content = {"hold_id": hold.pk, **values}
            command = Capture(**content, **keyed(Capture.verb, content, key))
            row = process([command], origin_of(request))[0].as_transaction()
            if row.status == TransactionStatus.PENDING:
                return "The capture waits for a second person. Until then nothing else is captured."
            return f"Captured {shown_money(row.amount, hold.currency)}."

        return self._page(request, hold, "Capture", form, run)

    @action(
        description="Void",
        icon="lock_open",
        variant=ActionVariant.DANGER,
        permissions=["view", "move"],
    )
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        hold = self._hold(request, object_id)
        form = ReasonForm(request.POST or None)

        def run(values: dict[str, Any]) -> str:
            process([VoidHold(hold_id=hold.pk, **values)], origin_of(request))
            return f"Voided: {shown_money(hold.held, hold.currency)} are free again."

        return self._page(request, hold, "Void", form, run)

    def _hold(self, request: HttpRequest, object_id: str) -> Hold:
        hold = self.get_object(request, object_id)
        assert hold is not None, "The permission check has found the hold."
        return hold

    def _page(
        self, request: HttpRequest, hold: Hold, title: str, form: Any, run: Any
    ) -> HttpResponse:
        left = shown_money(hold.held, hold.currency)
        target = hold.target_account
        to = target.in_full if target else "cash"
        of = hold.account.in_full
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "explanation": f"{left} of account {of} are held for {to}.",
        }
        back = reverse("admin:transactions_hold_change", args=(hold.pk,))
        return form_page(request, context, form=form, back=back, run=run)

    @display(description="Account")
    def of_account(self, hold: Hold) -> SafeString:
        return link_to(hold.account, hold.account.in_full)

    @display(description="Amount")
    def money_amount(self, hold: Hold) -> str:
        return shown_money(hold.amount, hold.currency)

    @display(description="Captured")
    def money_captured(self, hold: Hold) -> str:
        return shown_money(hold.captured, hold.currency)

    @display(description="Still held")
    def money_held(self, hold: Hold) -> str:
        return shown_money(hold.held, hold.currency)

    @display(description="Status")
    def shown_status(self, hold: Hold) -> SafeString:
        return badge(hold.get_status_display(), _COLOURS)
