"""Routes of accounts and transactions."""

from rest_framework.routers import SimpleRouter

from transactions.views import MoneyAccountViewSet, TransactionViewSet

router = SimpleRouter(use_regex_path=False)
router.register("accounts", MoneyAccountViewSet, basename="account")
router.register("transactions", TransactionViewSet, basename="transaction")

urlpatterns = router.urls
