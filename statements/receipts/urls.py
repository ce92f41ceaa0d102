"""Routes of receipts, in the API."""

from django.urls import path

from core.api.paths import CONVERTER
from statements.receipts.api import ReceiptViewSet

urlpatterns = [
    path(
        f"transactions/<{CONVERTER}:transaction_id>/receipt/",
        ReceiptViewSet.as_view({"get": "retrieve"}),
        name="transaction-receipt",
    ),
]
