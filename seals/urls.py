"""Routes of seals and proofs."""

from django.urls import path

from seals.views import LatestSealView, ProofView, SealView

urlpatterns = [
    path("seals/latest/", LatestSealView.as_view(), name="seal-latest"),
    path("seals/<int:number>/", SealView.as_view(), name="seal"),
    path("transactions/<id:transaction_id>/proof/", ProofView.as_view(), name="transaction-proof"),
]
