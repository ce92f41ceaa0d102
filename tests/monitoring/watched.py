"""A bank on PostgreSQL whose operator lets Prometheus watch it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.http import free_port
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


def replica_not_there(environment: dict[str, str]) -> tuple[str, int]:
    """The URL of a replica of this bank's database, and its port, where nothing answers yet."""
    own, port = urlsplit(environment["DATABASE_URL"]), free_port()
    place = own.netloc.replace(f":{own.port}", f":{port}")
    return own._replace(netloc=place).geturl(), port


def new_bank(folder: Path, server: PostgresqlServer) -> tuple[OperatedBank, dict[str, Any]]:
    """An empty bank with a superuser, and the credentials of an API client of that user."""
    bank = OperatedBank(folder, server)
    bank.migrate()
    named = ("--username", USER, "--email", "", "--noinput")
    bank.manage("createsuperuser", *named, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    credentials = json.loads(bank.manage("create_api_client", "Load", "--user", USER, "--json"))
    return bank, credentials
