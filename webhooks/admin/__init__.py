"""Webhooks for staff: what each gets, what failed, and buttons that run the API's own commands.

A secret is shown once, on the page after its creation.
"""

from webhooks.admin.delivery import DeliveryAdmin
from webhooks.admin.endpoint import EndpointAdmin

__all__ = ["DeliveryAdmin", "EndpointAdmin"]
