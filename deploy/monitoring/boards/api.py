"""The dashboard of the API: requests, errors, how long they take, and waits for accounts."""

from collections.abc import Iterator

from deploy.monitoring.boards.expressions import quantile, rate, server_errors
from deploy.monitoring.panels import Shown, curves, number


def panels() -> Iterator[Shown]:
    requests, duration = "bank_http_requests_total", "bank_http_request_duration_seconds"
    yield number(
        "Server errors",
        "Share of requests that end with 5xx, without checks of health.",
        "percentunit",
        server_errors(),
    )
    yield number(
        "In flight",
        "Requests being answered now.",
        "short",
        "sum(bank_http_requests_in_flight)",
    )
    yield curves(
        "Requests",
        "Requests per second by class of status.",
        "reqps",
        (rate(requests, "status"), "{{status}}"),
    )
    yield curves(
        "Duration",
        "Time to the response: half, 95 % and 99 % of the requests were faster.",
        "s",
        *((quantile(share, duration), f"{share:.0%}") for share in (0.5, 0.95, 0.99)),
    )
    yield curves(
        "Routes",
        "The ten busiest routes, in requests per second.",
        "reqps",
        (f"topk(10, {rate(requests, 'method, route')})", "{{method}} {{route}}"),
    )
    yield curves(
        "Slow routes",
        "The ten slowest routes: 95 % of their requests were faster.",
        "s",
        (f"topk(10, {quantile(0.95, duration, 'method, route')})", "{{method}} {{route}}"),
    )
    yield curves(
        "Waits for accounts",
        "Time to lock the accounts of a command: half and 99 % were faster.",
        "s",
        *((quantile(share, "bank_lock_wait_seconds"), f"{share:.0%}") for share in (0.5, 0.99)),
    )
    yield curves(
        "Retries",
        "Database transactions tried again, per second, by reason.",
        "cps",
        (rate("bank_contention_retries_total", "reason"), "{{reason}}"),
    )
