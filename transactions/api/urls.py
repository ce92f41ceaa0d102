"""Routes of accounts and transactions."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from accounts.customer_views import AccountHolderViewSet
from accounts.limit_views import LimitRequestViewSet
from core.api.paths import CONVERTER
from transactions.api.hold_views import AccountHoldsViewSet, HoldViewSet, NewHoldViewSet
from transactions.api.limit_views import AccountLimitsView
from transactions.api.note_views import (
    AccountNotesViewSet,
    CustomerNotesViewSet,
    TransactionNotesViewSet,
)
from transactions.api.statistics import StatisticsViewSet
from transactions.api.views import MoneyAccountViewSet, TransactionViewSet

router = SimpleRouter(use_regex_path=False)
router.register("accounts", MoneyAccountViewSet, basename="account")
router.register("customers", AccountHolderViewSet, basename="customer")
router.register("limit_requests", LimitRequestViewSet, basename="limit-request")
router.register("transactions", TransactionViewSet, basename="transaction")
router.register("holds", HoldViewSet, basename="hold")
router.register("statistics", StatisticsViewSet, basename="statistics")
_OF_ACCOUNT = f"accounts/<{CONVERTER}:account_id>"
router.register(f"{_OF_ACCOUNT}/holds", AccountHoldsViewSet, basename="account-holds")
router.register(f"{_OF_ACCOUNT}/hold", NewHoldViewSet, basename="account-hold")
for subject, viewset in (
    ("account", AccountNotesViewSet),
    ("customer", CustomerNotesViewSet),
    ("transaction", TransactionNotesViewSet),
):
    router.register(
        f"{subject}s/<{CONVERTER}:{subject}_id>/notes", viewset, basename=f"{subject}-notes"
    )

urlpatterns = [
    *router.urls,
    path(f"{_OF_ACCOUNT}/limits/", AccountLimitsView.as_view(), name="account-limits"),
]
