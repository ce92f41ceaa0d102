"""The kinds and states of a customer, and the events of their record."""

from django.db import models


class CustomerKind(models.TextChoices):
    PERSON = "PERSON", "Person"
    ORGANISATION = "ORGANISATION", "Organisation"


class CustomerStatus(models.TextChoices):
    """FORGOTTEN is final: the personal data is gone, the number and the accounts stay."""

    ACTIVE = "ACTIVE", "Active"
    CLOSED = "CLOSED", "Closed"
    FORGOTTEN = "FORGOTTEN", "Forgotten"


class CustomerEventType(models.TextChoices):
    REGISTERED = "REGISTERED", "Registered"
    CHANGED = "CHANGED", "Details changed"
    USER_GIVEN = "USER_GIVEN", "User given"
    CLOSED = "CLOSED", "Closed"
    REOPENED = "REOPENED", "Reopened"
    FORGOTTEN = "FORGOTTEN", "Forgotten"
