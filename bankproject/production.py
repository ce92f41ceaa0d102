"""What a bank that others can reach must be configured with."""

from django.core.exceptions import ImproperlyConfigured

from bankproject.secret_key import MINIMUM_CHARACTERS, is_weak


def require_production_settings(
    *,
    debug: bool,
    allowed_hosts: list[str],
    trusted_origins: list[str],
    database_url: str,
    secret_key: str,
) -> None:
    """Raises ImproperlyConfigured, naming all that is missing or unsafe, so that nothing starts."""
    faults = [
        fault
        for is_at_fault, fault in (
            (debug, "DJANGO_DEBUG must be off"),
            (not secret_key, "DJANGO_SECRET_KEY or DJANGO_SECRET_KEY_FILE must be set"),
            (
                is_weak(secret_key),
                f"DJANGO_SECRET_KEY must have {MINIMUM_CHARACTERS} characters or more, at random",
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
