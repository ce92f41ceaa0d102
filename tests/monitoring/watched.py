"""A bank on PostgreSQL whose operator lets Prometheus watch it."""

import json
from pathlib import Path
from typing import Any

from tests.operated import OperatedBank
from tests.postgresql import PostgresqlServer

TOKEN = "only-for-tests-0123456789-0123456789"
USER, PASSWORD = "root", "only-for-tests-4711"
SETTINGS = {
    "WEB_CONCURRENCY": "2",
    "BANK_METRICS_TOKEN": TOKEN,
    "BANK_METRICS_INTERVAL_SECONDS": "1",
}
JOBS = {"BANK_JOBS": "delete_expired@00:00"}
WEBHOOKS = {"BANK_WEBHOOKS_REACH_PRIVATE": "true"}


def new_bank(folder: Path, server: PostgresqlServer) -> tuple[OperatedBank, dict[str, Any]]:
    """An empty bank with a superuser, and the credentials of an API client of that user."""
    bank = OperatedBank(folder, server)
    bank.migrate()
    named = ("--username", USER, "--email", "", "--noinput")
    bank.manage("createsuperuser", *named, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    credentials = json.loads(bank.manage("create_api_client", "Load", "--user", USER, "--json"))
    return bank, credentials
