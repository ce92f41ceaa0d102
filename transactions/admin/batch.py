"""The admin of batches."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from unfold.decorators import action, display

from core.console.admin import ReadOnlyModelAdmin, yes_or_no
from core.console.admin_filters import DaysById
from transactions.models import Batch


@admin.register(Batch)
class BatchAdmin(ReadOnlyModelAdmin):
    when_empty = "No batches yet. Programs send them to /api/v1/transactions/batch/."
    list_display = ("created_at", "caller", "all_or_nothing", "refused_index")
    list_filter = (("created_at", DaysById),)
    actions_detail = ("transactions",)
    fieldsets = (
        ("Batch", {"fields": (("created_at", "caller"), ("all_or_nothing", "refused_index"))}),
        ("Record", {"fields": (("id", "idempotency_key"), "request_fingerprint")}),
    )

    @display(description="All or nothing")
    def all_or_nothing(self, batch: Batch) -> str:
        return yes_or_no(batch.atomic)

    def has_view_transactions_permission(self, request: HttpRequest, _id: str = "") -> bool:
        return request.user.has_perm("transactions.view_transaction")

    @action(
        description="Transactions", icon="swap_horiz", permissions=["view", "view_transactions"]
    )
    def transactions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        page = reverse("admin:transactions_transaction_changelist")
        return redirect(f"{page}?{urlencode({'batch': object_id})}")
