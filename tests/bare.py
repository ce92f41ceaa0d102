"""`python3 -m tests.bare`: both commands of README.md on a minimal Debian.

    python3 -m tests.bare                           Debian 12 (bookworm) and 13 (trixie)
    python3 -m tests.bare bookworm --tests "core"   one of them, and a part of the suite

Each system is built by debootstrap, with python3, python3-venv, make and git. An ordinary user
clones the last commit there, runs `make test`, then `make run`, and makes a deposit.

The program needs root, debootstrap and unshare. It uses only the standard library, because nothing
is installed yet. Its processes and mounts end with the program.
"""

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITES = ("bookworm", "trixie")
PACKAGES = "python3,python3-venv,make,git,ca-certificates"
USER = "newcomer"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
START_SECONDS = 900
STOP_SECONDS = 60
# This machine's access to the package index, which the new system does not know.
_INDEX_VARIABLES = re.compile(
    r"(PIP_(INDEX_URL|EXTRA_INDEX_URL|CERT|PROXY|DEFAULT_TIMEOUT|TRUSTED_HOST)"
    r"|(HTTPS?|NO)_PROXY|SSL_CERT_FILE)",
    re.IGNORECASE,
)


def main() -> int:
    """Returns 0 if both commands work, 1 if one fails, 2 if nothing could be tried."""
    parser = argparse.ArgumentParser(prog="tests.bare", allow_abbrev=False)
    parser.add_argument("suites", nargs="*", default=SUITES, metavar="SUITE", help=str(SUITES))
    parser.add_argument("--tests", default="", help="the ARGS of `make test`")
    options = parser.parse_args()
    missing = [name for name in ("debootstrap", "unshare") if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        print(f"This needs root, and {' and '.join(missing) or 'is run by another user'}.")
        return 2
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    results = {suite: _try(suite, options.tests) for suite in options.suites}
    for suite, seconds in results.items():
        outcome = "failed" if seconds is None else f"both commands work ({seconds:.0f} s)"
        print(f"Debian {suite}: {outcome}", flush=True)
    return 1 if None in results.values() else 0


def _try(suite: str, tests: str) -> float | None:
    """The time that both commands took on this Debian, or None if one failed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"bank-{suite}-", dir="/var/tmp") as name:
        root = Path(name)
        print(f"\n== Debian {suite}: python3, python3-venv, make and git", flush=True)
        _make_system(suite, root)
        try:
            _run(root, "python3 --version && git clone -q /bank.bundle bank && cd bank && make")
            print(f"\n== Debian {suite}: make test", flush=True)
            _run(root, f"cd bank && make test ARGS={shlex.quote(tests)}")
            print(f"\n== Debian {suite}: make run", flush=True)
            with _started(root, "cd bank && exec make run") as bank:
                _deposit(bank)
        except (subprocess.CalledProcessError, OSError, ValueError) as error:
            print(f"Debian {suite}: {error}", file=sys.stderr)
            return None
    return time.monotonic() - started


def _make_system(suite: str, root: Path) -> None:
    """Builds a Debian in this folder, with an ordinary user and the last commit as /bank.bundle."""
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    root.chmod(0o755)
    for path in (Path("/etc/resolv.conf"), Path("/etc/pip.conf"), CERTIFICATES):
        if path.exists():
            shutil.copyfile(path, root / path.relative_to("/"))
    add_user = ["chroot", root, "useradd", "--create-home", USER]
    subprocess.run(add_user, check=True)
    bundle = ["git", "bundle", "create", "--quiet", root / "bank.bundle", "HEAD"]
    subprocess.run(bundle, check=True, cwd=ROOT)
    (root / "bank.bundle").chmod(0o644)


def _command(root: Path, line: str, **variables: str) -> list[str]:
    """The command for a shell line as the ordinary user. Its processes and mounts end with it."""
    wanted = {name: value for name, value in os.environ.items() if _INDEX_VARIABLES.fullmatch(name)}
    wanted |= variables
    mounts = (
        "mount -t proc proc proc && mount --rbind /dev dev && mount -t tmpfs tmpfs dev/shm"
        ' && exec chroot . "$@"'
    )
    return [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
        *("sh", "-c", f"cd {shlex.quote(str(root))} && {mounts}", "sh"),
        *("runuser", "-u", USER, "--", "env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin"),
        *(f"HOME=/home/{USER}", *(f"{name}={value}" for name, value in wanted.items())),
        *("sh", "-c", f"cd && {line}"),
    ]


def _run(root: Path, line: str) -> None:
    subprocess.run(_command(root, line), check=True, stdin=subprocess.DEVNULL)


@contextmanager
def _started(root: Path, line: str) -> Iterator["_Bank"]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    log = root / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(root, line, PORT=str(port)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _Bank(port, log, process)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()


class _Bank:
    """The bank served by `make run`, once it is healthy. Raises ValueError if it is not."""

    def __init__(self, port: int, log: Path, process: "subprocess.Popen[bytes]") -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1/"
        self.log = log
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.ask("health/")
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ValueError(f"make run did not serve:\n{log.read_text()}") from None
                time.sleep(1)
            else:
                break

    def ask(self, path: str, body: object = None, token: str = "") -> dict[str, object]:
        """The response's JSON. Raises OSError unless it is a success."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            found: dict[str, object] = json.load(answer)
        return found


def _deposit(bank: _Bank) -> None:
    """Opens an account with the printed token. Raises ValueError for a wrong balance."""
    printed = re.search(r"Authorization: Bearer ([\w.-]+)", bank.log.read_text())
    if printed is None:
        raise ValueError(f"make run printed no token:\n{bank.log.read_text()}")
    account = bank.ask("accounts/", {"name": "Alice Martin"}, printed[1])
    path = f"accounts/{account['account_id']}/"
    bank.ask(f"{path}deposit/", {"amount": "12.34"}, printed[1])
    balance = bank.ask(path, token=printed[1])["balance"]
    if balance != "12.34":
        raise ValueError(f"The balance is {balance} after a deposit of 12.34.")
    print("A deposit of 12.34 makes a balance of 12.34.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
