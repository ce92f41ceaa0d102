"""Expressions of Prometheus that several dashboards share."""

# Grafana puts a span here that has several scrapes in it.
RATE = "$__rate_interval"
_HEALTH = 'route!~"/api/v1/health/.*"'


def rate(name: str, by: str = "", where: str = "") -> str:
    grouped = f" by ({by}) " if by else ""
    chosen = f"{{{where}}}" if where else ""
    return f"sum{grouped}(rate({name}{chosen}[{RATE}]))"


def read(name: str, by: str) -> str:
    """What is read from the database: each server shows the same."""
    return f"max by ({by}) ({name})"


def quantile(share: float, name: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{name}_bucket', labels)})"


def server_errors() -> str:
    errors = rate("bank_http_requests_total", where=f'status="5xx", {_HEALTH}')
    # Before the first error there is no such series.
    return f"({errors} or vector(0)) / {rate('bank_http_requests_total', where=_HEALTH)}"
