"""The states of an account. Frozen is not one of them: it is an active account with a block."""

from django.db import models


class AccountKind(models.TextChoices):
    CUSTOMER = "CUSTOMER", "Customer"
    INTERNAL = "INTERNAL", "Internal"


class AccountStatus(models.TextChoices):
    ACTIVE = "ACTIVE", "Active"
    CLOSED = "CLOSED", "Closed"


class ShownStatus(models.TextChoices):
    """The status for clients and staff: an active account with a block shows as frozen."""

    ACTIVE = "ACTIVE", "Active"
    FROZEN = "FROZEN", "Frozen"
    CLOSED = "CLOSED", "Closed"


def shown_status(status: str, debits_blocked: bool, credits_blocked: bool) -> ShownStatus:
    """ACTIVE, FROZEN (a block is set) or CLOSED."""
    if status == AccountStatus.CLOSED:
        return ShownStatus.CLOSED
    return ShownStatus.FROZEN if debits_blocked or credits_blocked else ShownStatus.ACTIVE


class FreezeScope(models.TextChoices):
    """Which side of an account a freeze blocks."""

    DEBITS = "debits", "Debits"
    CREDITS = "credits", "Credits"
    ALL = "all", "All"


class AccountEventType(models.TextChoices):
    OPENED = "OPENED", "Opened"
    CUSTOMER_GIVEN = "CUSTOMER_GIVEN", "Customer given"
    RENAMED = "RENAMED", "Renamed"
    METADATA_CHANGED = "METADATA_CHANGED", "Metadata changed"
    FROZEN = "FROZEN", "Frozen"
    UNFROZEN = "UNFROZEN", "Unfrozen"
    CLOSED = "CLOSED", "Closed"
    REOPENED = "REOPENED", "Reopened"
    OVERDRAFT_LIMIT_REQUESTED = "OVERDRAFT_LIMIT_REQUESTED", "Overdraft limit requested"
    OVERDRAFT_LIMIT_CHANGED = "OVERDRAFT_LIMIT_CHANGED", "Overdraft limit changed"
    OVERDRAFT_LIMIT_REJECTED = "OVERDRAFT_LIMIT_REJECTED", "Overdraft limit rejected"
    LIMITS_REQUESTED = "LIMITS_REQUESTED", "Payment limits requested"
    LIMITS_CHANGED = "LIMITS_CHANGED", "Payment limits changed"
    LIMITS_REJECTED = "LIMITS_REJECTED", "Payment limits rejected"
    DAMAGE_FOUND = "DAMAGE_FOUND", "Damage found"
    DEBITS_RELEASED = "DEBITS_RELEASED", "Debits released"
    DAMAGE_MENDED = "DAMAGE_MENDED", "Found undamaged"


class LimitRequestStatus(models.TextChoices):
    """The status of a request for a limit that needs a second person."""

    PENDING = "PENDING", "Pending"
    APPROVED = "APPROVED", "Approved"
    REJECTED = "REJECTED", "Rejected"
