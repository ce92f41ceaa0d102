"""What metrics tell of webhooks."""

from collections.abc import Iterator

from bankproject.metrics.cache import Value
from core import clock
from webhooks.overview import overview

# Name, meaning and labels of each.
DESCRIBED: dict[str, tuple[str, tuple[str, ...]]] = {
    "bank_webhooks": ("Webhooks.", ("state",)),
    "bank_webhook_deliveries_waiting": (
        "Deliveries that wait at webhooks that are on, 10,000 at most.",
        (),
    ),
    "bank_webhook_oldest_waiting_age_seconds": (
        "Age of the oldest delivery that waits at a webhook that is on.",
        (),
    ),
}


def read_webhooks() -> Iterator[Value]:
    found = overview(clock.about_now())
    for state, count in found.states.items():
        yield "bank_webhooks", (state,), count
    yield "bank_webhook_deliveries_waiting", (), found.waiting
    yield "bank_webhook_oldest_waiting_age_seconds", (), found.oldest_age.total_seconds()
