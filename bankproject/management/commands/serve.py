"""`manage.py serve`: the bank behind gunicorn, on HOST and PORT."""

import errno
import os
import socket
import sys
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bankproject.addresses import resolved
from bankproject.production import require_own_machine
from core.database import require_objects

_WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - compared with, never bound to


class Command(BaseCommand):
    help = "Serves the bank with gunicorn on HOST:PORT (127.0.0.1:5000). Ctrl-C stops it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--without-worker",
            action="store_true",
            help="do not start a worker of the queue beside the web server",
        )
        parser.add_argument(
            "--check-address",
            action="store_true",
            help="only check HOST and PORT: exit with code 1 if they cannot be served",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Becomes gunicorn. With --check-address it ends before, without a look at the database.

        Raises CommandError if the address is taken, and ImproperlyConfigured if it is wrong, if
        `migrate` is due, and if others could reach a bank that is not for production.
        """
        host, port = settings.HOST, settings.PORT
        if not options["check_address"]:
            # Each worker checks this too; here it gives one sentence before anything starts.
            require_objects()
        require_free_address(host, port)
        require_own_machine(settings.PUBLISHED_ON, port, production=settings.PRODUCTION)
        if options["check_address"]:
            return
        # WhiteNoise warns if no static files were collected, although it serves them from the
        # packages.
        with suppress(OSError):
            Path(settings.STATIC_ROOT).mkdir(exist_ok=True)
        named = f"[{host}]" if ":" in host else host
        if "DJANGO_ALLOWED_HOSTS" not in os.environ and host not in _WILDCARDS:
            os.environ["DJANGO_ALLOWED_HOSTS"] = ",".join([*settings.ALLOWED_HOSTS, named])
            # An added host, such as 127.0.0.2, must not turn this into a production bank.
            os.environ["BANK_PRODUCTION"] = str(settings.PRODUCTION).lower()
        os.environ["BANK_SERVE_WORKER"] = "false" if options["without_worker"] else "true"
        self.stdout.write(f"The bank is served on http://{named}:{port}/ (Ctrl-C stops it)")
        self.stdout.flush()
        os.execv(  # noqa: S606 - this process becomes gunicorn
            sys.executable,
            [
                sys.executable,
                "-m",
                "gunicorn",
                "--config=python:bankproject.gunicorn_conf",
                "--no-control-socket",
                f"--chdir={settings.BASE_DIR}",
            ],
        )


def require_free_address(host: str, port: int) -> None:
    """Checks that a server can listen at this address now.

    Otherwise raises CommandError with advice, or ImproperlyConfigured for an invalid address.
    """
    family, kind, protocol, _, address = resolved(host, port)
    with socket.socket(family, kind, protocol) as probe:
        # gunicorn sets this too: connections left by a stopped server are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise CommandError(_advice(error, host, port)) from error


def _advice(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is taken. Choose another one: make run PORT={port + 1}"
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights. Choose one above 1023: make run PORT=5000"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST {host!r} is not an address of this machine."
    return f"Cannot listen on {host} port {port}: {error.strerror}."
