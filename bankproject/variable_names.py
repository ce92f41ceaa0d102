"""Detects variables that look like settings of the bank but are not."""

import os
import re
from difflib import get_close_matches

from django.core.exceptions import ImproperlyConfigured

from bankproject import environment

_PREFIXES = ("BANK_", "DJANGO_")
# docker-compose.yml reads these from the same .env file.
OF_COMPOSE = {
    "BANK_OWNER_PASSWORD",
    "BANK_APP_PASSWORD",
    "BANK_VERSION",
    "BANK_DEMO",
    "BANK_GRAFANA_PASSWORD",
    "BANK_DATABASE_HOSTS",
    "BANK_SINGLE_SERVERS",
}
# Django itself reads these.
_OF_DJANGO = {
    "DJANGO_SETTINGS_MODULE",
    "DJANGO_COLORS",
    "DJANGO_AUTO_COMPLETE",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
    "DJANGO_SUPERUSER_USERNAME",
    "DJANGO_SUPERUSER_PASSWORD",
    "DJANGO_SUPERUSER_EMAIL",
    "DJANGO_RUNSERVER_HIDE_WARNING",
    "DJANGO_TEST_PROCESSES",
    "DJANGO_WATCHMAN_TIMEOUT",
}
# Kubernetes sets variables for every service in each pod; for a service `bank` they begin with
# BANK_.
_OF_KUBERNETES = re.compile(
    r"[A-Z0-9_]+_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)\w*)?)"
)


def refuse_unknown_names() -> None:
    """Raises ImproperlyConfigured for BANK_ and DJANGO_ variables that nothing reads.

    Call it after all settings are read. The message suggests the name that was likely meant.
    """
    known = environment.names_read | OF_COMPOSE | _OF_DJANGO
    in_kubernetes = "KUBERNETES_SERVICE_HOST" in os.environ
    for name in sorted(os.environ):
        if name in known or not name.startswith(_PREFIXES):
            continue
        if in_kubernetes and _OF_KUBERNETES.fullmatch(name):
            continue
        meant = get_close_matches(name, sorted(known), n=1, cutoff=0.7)
        hint = f" Is {meant[0]} meant?" if meant else ""
        raise ImproperlyConfigured(f"{name} is no setting of the bank.{hint}")
