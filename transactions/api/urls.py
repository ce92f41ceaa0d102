"""Routes of accounts and transactions."""

from rest_framework.routers import SimpleRouter

from accounts.customer_views import AccountHolderViewSet
from accounts.limit_views import LimitRequestViewSet
from transactions.api.statistics import StatisticsViewSet
from transactions.api.views import MoneyAccountViewSet, TransactionViewSet

router = SimpleRouter(use_regex_path=False)
router.register("accounts", MoneyAccountViewSet, basename="account")
router.register("customers", AccountHolderViewSet, basename="customer")
router.register("limit_requests", LimitRequestViewSet, basename="limit-request")
router.register("transactions", TransactionViewSet, basename="transaction")
router.register("statistics", StatisticsViewSet, basename="statistics")

urlpatterns = router.urls
