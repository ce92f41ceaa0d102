"""A bank that others can reach starts with all protections or not at all; in separate processes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "pZ8-tR4vK1mW7yB3nQ9xC5sD2fG6hJ0aL_eUiOwYbVcXzAqSdFgHj"
# Nothing listens there: settings and checks must work without a server.
POSTGRESQL = "postgresql://bank:secret@192.0.2.1:5432/bank"
FIT = {
    "DJANGO_SECRET_KEY": KEY,
    "DJANGO_ALLOWED_HOSTS": "bank.example.com",
    "DJANGO_CSRF_TRUSTED_ORIGINS": "https://bank.example.com",
    "DATABASE_URL": POSTGRESQL,
}
SHOWN = [
    "PRODUCTION",
    "REQUIRE_MFA",
    "DEBUG",
    "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY",
    "CSRF_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_NAME",
    "SESSION_COOKIE_PATH",
    "CSRF_COOKIE_PATH",
    "SESSION_COOKIE_DOMAIN",
    "CSRF_COOKIE_DOMAIN",
    "CSRF_COOKIE_SAMESITE",
    "X_FRAME_OPTIONS",
    "SECURE_CONTENT_TYPE_NOSNIFF",
]


def start(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with a data folder of its own, and only these variables of the bank."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BANK_", "DJANGO_", "DATABASE_", "CACHE_"))
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=kept | {"BANK_DATA_DIR": str(folder)} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def settings_of(folder: Path, **variables: str) -> dict[str, Any]:
    program = (
        "import json; from django.conf import settings;"
        f"print(json.dumps({{n: getattr(settings, n) for n in {SHOWN}}}))"
    )
    variables = {"DJANGO_SETTINGS_MODULE": "bankproject.settings", **variables}
    started = start(folder, "-c", program, **variables)
    assert started.returncode == 0, started.stderr
    shown: dict[str, Any] = json.loads(started.stdout)
    return shown


def test_a_complete_configuration_starts_with_all_protections(tmp_path: Path) -> None:
    assert settings_of(tmp_path, **FIT) == {
        "PRODUCTION": True,
        "REQUIRE_MFA": True,
        "DEBUG": False,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # The prefix also requires path "/" and no domain.
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "CSRF_COOKIE_NAME": "__Host-csrftoken",
        "SESSION_COOKIE_PATH": "/",
        "CSRF_COOKIE_PATH": "/",
        "SESSION_COOKIE_DOMAIN": None,
        "CSRF_COOKIE_DOMAIN": None,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "X_FRAME_OPTIONS": "DENY",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
    }
    assert list(tmp_path.iterdir()) == []  # No new key and no database.


def test_production_cannot_do_without_the_second_factor(tmp_path: Path) -> None:
    assert settings_of(tmp_path, **FIT, BANK_REQUIRE_MFA="false")["REQUIRE_MFA"] is True


def test_the_bank_to_try_out_is_no_production_and_still_without_debug(tmp_path: Path) -> None:
    shown = settings_of(tmp_path)
    assert (shown["PRODUCTION"], shown["DEBUG"], shown["REQUIRE_MFA"]) == (False, False, False)
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"DJANGO_DEBUG": "true"}, "DJANGO_DEBUG must be off"),
        ({"DJANGO_SECRET_KEY": ""}, "DJANGO_SECRET_KEY"),
        ({"DJANGO_SECRET_KEY": KEY[:49]}, "DJANGO_SECRET_KEY must have 50 random characters"),
        ({"DJANGO_SECRET_KEY": "ab" * 40}, "DJANGO_SECRET_KEY must have 50 random characters"),
        ({"DJANGO_ALLOWED_HOSTS": "*"}, "DJANGO_ALLOWED_HOSTS must name the hosts"),
        ({"DJANGO_ALLOWED_HOSTS": "bank.example.com,*"}, "DJANGO_ALLOWED_HOSTS must name"),
        ({"DJANGO_ALLOWED_HOSTS": ".example.com"}, "DJANGO_ALLOWED_HOSTS must name"),
        ({"DJANGO_CSRF_TRUSTED_ORIGINS": "http://bank.example.com"}, "must be https"),
        ({"DATABASE_URL": ""}, "DATABASE_URL must name a PostgreSQL database"),
        ({"DATABASE_URL": "sqlite:////tmp/bank"}, "DATABASE_URL must name a PostgreSQL database"),
        ({"DATABASE_URL": "mysql://bank@db/bank"}, "DATABASE_URL must name a PostgreSQL database"),
        ({"BANK_PRODUCTION": "perhaps"}, "BANK_PRODUCTION must be true or false"),
        ({"BANK_HSTS_SECONDS": "0"}, "BANK_HSTS_SECONDS must be a whole number from 1"),
        ({"BANK_TRUSTED_PROXIES": "-1"}, "BANK_TRUSTED_PROXIES must be a whole number from 0"),
        ({"BANK_THROTTLE_CLIENT_PER_MINUTE": "many"}, "must be a whole number from 0"),
        ({"BANK_ISOLATION_LEVEL": "chaos"}, "BANK_ISOLATION_LEVEL must be one of"),
        ({"BANK_LOG_FORMAT": "xml"}, "BANK_LOG_FORMAT must be one of json, console"),
    ],
)
def test_a_half_configured_bank_does_not_start(
    tmp_path: Path, changed: dict[str, str], fault: str
) -> None:
    started = start(tmp_path, "-c", "import bankproject.settings", **FIT | changed)
    assert started.returncode == 1
    last = started.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert fault in last
    assert KEY not in started.stderr
    assert "secret@" not in started.stderr


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    faulty = {"BANK_PRODUCTION": "true", "DJANGO_DEBUG": "true", "DJANGO_ALLOWED_HOSTS": "*"}
    started = start(tmp_path, "-c", "import bankproject.settings", **faulty)
    last = started.stderr.strip().splitlines()[-1]
    for fault in ("DEBUG", "DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS", "DATABASE_URL"):
        assert fault in last


def test_djangos_deployment_checks_find_nothing(tmp_path: Path) -> None:
    checked = start(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **FIT)
    assert (checked.returncode, checked.stdout, checked.stderr) == (
        0,
        "System check identified no issues (0 silenced).\n",
        "",
    )


def test_a_data_folder_that_everybody_may_enter_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    checked = start(tmp_path, "manage.py", "check", "--deploy", **FIT)
    assert f"(bank.W005) Everybody may enter {tmp_path}." in checked.stderr
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_slow_and_swollen_requests_meet_limits(tmp_path: Path) -> None:
    program = (
        "import json; from bankproject import gunicorn_conf as c;"
        "print(json.dumps([c.timeout, c.graceful_timeout, c.keepalive, c.limit_request_line,"
        " c.limit_request_fields, c.limit_request_field_size, c.threads,"
        " c.control_socket_disable, c.workers]))"
    )
    started = start(tmp_path, "-c", program, WEB_CONCURRENCY="3")
    assert json.loads(started.stdout) == [30, 30, 5, 4094, 50, 8190, 8, True, 3]
