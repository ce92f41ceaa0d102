"""Required configuration of a bank that other machines can reach."""

from ipaddress import ip_address

from django.core.exceptions import ImproperlyConfigured

from bankproject import addresses, environment
from bankproject.secret_key import MINIMUM_CHARACTERS, is_weak

LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


def is_production() -> bool:
    """Whether this is production: `BANK_PRODUCTION`, else whether other machines can reach it.

    Raises ImproperlyConfigured.
    """
    hosts = addresses.allowed_hosts(default=LOCAL_HOSTS)
    return environment.boolean("BANK_PRODUCTION", default=not set(hosts) <= set(LOCAL_HOSTS))


def require_own_machine(host: str, port: int, *, production: bool) -> None:
    """Raises ImproperlyConfigured if others can reach a bank without the rules of production.

    `host` is the address that the bank listens on, or the outside address of a bank in a container
    (BANK_PUBLISHED_ON).
    """
    if production:
        return
    address = str(addresses.resolved(host, port)[4][0])
    if not ip_address(address.partition("%")[0]).is_loopback:
        raise ImproperlyConfigured(
            f"HOST {host} lets other machines reach the bank. Only a production bank allows that:"
            " set DJANGO_ALLOWED_HOSTS to the bank's host names (docs/operations.md), or HOST to"
            " 127.0.0.1."
        )


def require_production_settings(
    *,
    debug: bool,
    allowed_hosts: list[str],
    trusted_origins: list[str],
    database_url: str,
    secret_key: str,
) -> None:
    """Raises ImproperlyConfigured, naming all missing and unsafe settings. Nothing starts then."""
    faults = [
        fault
        for is_at_fault, fault in (
            (debug, "DJANGO_DEBUG must be off"),
            (not secret_key, "DJANGO_SECRET_KEY or DJANGO_SECRET_KEY_FILE must be set"),
            (
                is_weak(secret_key),
                f"DJANGO_SECRET_KEY must have {MINIMUM_CHARACTERS} random characters or more",
            ),
            (
                not allowed_hosts or any(host.startswith(("*", ".")) for host in allowed_hosts),
                "DJANGO_ALLOWED_HOSTS must name the hosts, without wildcards",
            ),
            (
                any(not origin.startswith("https://") for origin in trusted_origins),
                "DJANGO_CSRF_TRUSTED_ORIGINS must be https",
            ),
            (not database_url, "DATABASE_URL must name a PostgreSQL database"),
        )
        if is_at_fault
    ]
    if faults:
        raise ImproperlyConfigured(f"Not fit for production: {'; '.join(faults)}.")
