"""`python -m tests.fuzz`: schemathesis against a running bank, as a teller and as a customer.

    python -m tests.fuzz                  a minute, with a fixed seed: a step of CI
    python -m tests.fuzz --seconds 600 --examples 200 --seed 7

Checks every operation of docs/openapi.yaml on a bank of its own, on SQLite and behind gunicorn,
with all checks of schemathesis. `schemathesis.toml` adds facts that a schema cannot express. Exits
with 1 on a finding, which schemathesis prints with a curl line, and if the ledger is then wrong.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.http import free_port, post_form, wait_until_ready

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "docs" / "openapi.yaml"
SCOPES = (
    "accounts:read accounts:write transactions:read transactions:write statements:read events:read"
)
# Users of the bank made by setup_demo.
IDENTITIES = {"teller": "tessa", "customer": "ada"}
START_SECONDS = 60


def main() -> int:
    """Returns 0 if neither identity found anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=50, help="for both identities together")
    parser.add_argument("--examples", type=int, default=10, help="of each operation and phase")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bank-fuzz-") as folder:
        port = free_port()
        environment = _environment(Path(folder), port)
        _manage(environment, "migrate", "--verbosity", "0")
        _manage(environment, "setup_demo")
        clients = {name: _make_client(environment, user) for name, user in IDENTITIES.items()}
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--config", "python:bankproject.gunicorn_conf"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until_ready(port, server, Path(folder, "log"))
            codes = [
                _run(name, port, _token(port, client), options) for name, client in clients.items()
            ]
        finally:
            server.terminate()
            server.wait(START_SECONDS)
        ledger = _manage_code(environment, "verify_ledger")
    return max(*codes, ledger)


def _environment(folder: Path, port: int) -> dict[str, str]:
    """An environment without rate limits, and with tokens valid for the whole run."""
    return os.environ | {
        "DATABASE_URL": "",
        "CACHE_URL": "",
        "EMAIL_URL": "",
        "BANK_DATA_DIR": str(folder),
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "BANK_TOKEN_LIFETIME_SECONDS": "86400",
        "BANK_THROTTLE_CLIENT_PER_MINUTE": "0",
        "BANK_THROTTLE_ADDRESS_PER_MINUTE": "0",
        "BANK_LOCKOUT_FAILURES": "0",
        "BANK_LOG_LEVEL": "WARNING",
    }


def _manage_code(environment: dict[str, str], *arguments: str) -> int:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    return done.stdout.decode()


def _make_client(environment: dict[str, str], user: str) -> dict[str, str]:
    printed = _manage(environment, "create_api_client", "Fuzzer", "--user", user, "--json")
    client: dict[str, str] = json.loads(printed)
    return client


def _token(port: int, client: dict[str, str]) -> str:
    form = {"grant_type": "client_credentials", "scope": SCOPES, **client}
    _, answer = post_form(f"http://127.0.0.1:{port}/api/v1/oauth/token/", form)
    token: str = json.loads(answer)["access_token"]
    return token


def _run(name: str, port: int, token: str, options: argparse.Namespace) -> int:
    print(f"\nschemathesis as a {name}, seed {options.seed}", flush=True)
    command = [
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(ROOT / "schemathesis.toml"),
        ),
        *("run", str(SCHEMA), "--url", f"http://127.0.0.1:{port}", "--checks", "all"),
        *("--header", f"Authorization: Bearer {token}", "--seed", str(options.seed)),
        *("--max-examples", str(options.examples)),
        *("--max-time", str(max(1, options.seconds // len(IDENTITIES)))),
        *("--continue-on-failure", "--warnings", "off", "--no-color"),
    ]
    with tempfile.TemporaryDirectory(prefix="bank-fuzz-") as folder:  # for what it remembers
        return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
