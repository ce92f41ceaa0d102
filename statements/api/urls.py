"""Routes of statements."""

from rest_framework.routers import SimpleRouter

from statements.api.views import AccountStatementViewSet, StatementViewSet

router = SimpleRouter(use_regex_path=False)
router.register("statements", StatementViewSet, basename="statement")
router.register("accounts", AccountStatementViewSet, basename="account-statement")

urlpatterns = router.urls
