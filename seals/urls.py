"""Routes of seals and proofs."""

from django.urls import path

from seals.views import ExplainView, LatestSealView, ProofView, SealView

urlpatterns = [
    path(
        "accounts/<id:account_id>/balance/explain/",
        ExplainView.as_view(),
        name="account-balance-explain",
    ),
    path("seals/latest/", LatestSealView.as_view(), name="seal-latest"),
    path("seals/<int:number>/", SealView.as_view(), name="seal"),
    path("transactions/<id:transaction_id>/proof/", ProofView.as_view(), name="transaction-proof"),
]
