"""The states of a delivery."""

from django.db import models


class DeliveryStatus(models.TextChoices):
    WAITING = "WAITING", "Waiting"
    DELIVERED = "DELIVERED", "Delivered"
    SKIPPED = "SKIPPED", "Skipped"
