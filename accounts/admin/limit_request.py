"""Overdraft limits that need a second person: the list, and the buttons to decide."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import action, display

from accounts.admin.filters import AccountFilter
from accounts.commands import ApproveLimit, LimitDecision, RejectLimit
from accounts.models import LimitRequest
from accounts.permissions import CanManageAccounts
from accounts.states import LimitRequestStatus
from core.api.permissions import has_right
from core.api.requests import origin_of
from core.commands import process
from core.console.admin import EMPTY, ReadOnlyModelAdmin, badge, link_to, shown_money
from core.console.admin_filters import DaysById
from core.console.command_form import command_page
from core.console.request_cache import RequestCache

_LIMIT_REQUEST = RequestCache[LimitRequest | None]()
_COLOURS = {"Pending": "warning", "Approved": "success", "Rejected": "danger"}


@admin.register(LimitRequest)
class LimitRequestAdmin(ReadOnlyModelAdmin):
    when_empty = "No requests yet. A large overdraft limit appears here when somebody requests it."
    list_display = (
        "created_at",
        "of_account",
        "money_overdraft_limit",
        "shown_status",
        "asked_by",
        "reason",
    )
    list_select_related = ("account", "requested_by", "decided_by")
    list_filter = (("status", ChoicesRadioFilter), AccountFilter, ("created_at", DaysById))
    actions_detail = ("approve", "reject")
    fieldsets = (
        (
            "Request",
            {
                "fields": (
                    ("account", "shown_status"),
                    ("money_overdraft_limit", "money_limit_before"),
                    ("requested_by", "created_at"),
                    "reason",
                )
            },
        ),
        ("Decision", {"fields": (("decided_by", "decided_at"), "decision_reason")}),
        ("Record", {"fields": ("id",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("account", "requested_by")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> LimitRequest | None:
        """Reads the request once for the page and its buttons."""
        read = super().get_object
        return _LIMIT_REQUEST.get(request, lambda: read(request, object_id, from_field))

    def has_decide_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Checks the right and the state. The command checks a posted form."""
        if not has_right(request.user, CanManageAccounts.right):
            return False
        found = self.get_object(request, object_id)
        waits = found is not None and found.status == LimitRequestStatus.PENDING
        return found is not None and (request.method == "POST" or waits)

    @action(description="Approve", url_path="approve", icon="check", permissions=["view", "decide"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Approve", ApproveLimit)

    @action(description="Reject", url_path="reject", icon="block", permissions=["view", "decide"])
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Reject", RejectLimit)

    def _decide(
        self, request: HttpRequest, object_id: str, title: str, decision: type[LimitDecision]
    ) -> HttpResponse:
        asked = self.get_object(request, object_id)
        assert asked is not None, "The permission check has found the request."

        def run(reason: str) -> str:
            command = decision(account_id=asked.account_id, request_id=asked.pk, reason=reason)
            account = process([command], origin_of(request))[0]
            limit = shown_money(account.overdraft_limit, account.currency)
            return f"{title}: the overdraft limit of {account} is {limit}."

        back = reverse("admin:accounts_limitrequest_change", args=(asked.pk,))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "explanation": in_words(asked),
        }
        if request.GET.get("from") == "approvals":
            back = reverse("approvals")
        required = decision is RejectLimit
        return command_page(request, context, back=back, run=run, reason_required=required)

    @display(description="Account")
    def of_account(self, asked: LimitRequest) -> SafeString:
        return link_to(asked.account, str(asked.account))

    @display(description="Overdraft limit")
    def money_overdraft_limit(self, asked: LimitRequest) -> str:
        return shown_money(asked.overdraft_limit, asked.currency)

    @display(description="Limit at the request")
    def money_limit_before(self, asked: LimitRequest) -> str:
        return shown_money(asked.limit_before, asked.currency)

    @display(description="Status")
    def shown_status(self, asked: LimitRequest) -> SafeString:
        return badge(asked.get_status_display(), _COLOURS)

    @display(description="Asked by")
    def asked_by(self, asked: LimitRequest) -> Any:
        return asked.requested_by.get_username() if asked.requested_by else EMPTY


def in_words(asked: LimitRequest) -> str:
    """The facts that a second person needs to decide."""
    before = shown_money(asked.limit_before, asked.currency)
    wanted = shown_money(asked.overdraft_limit, asked.currency)
    return (
        f"Overdraft limit of account {asked.account.number}, {asked.account.name}:"
        f" {wanted} instead of {before}."
    )
