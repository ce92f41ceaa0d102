"""Configuration of gunicorn: `gunicorn --config python:bankproject.gunicorn_conf`.

Listens on HOST:PORT (127.0.0.1:5000). WEB_CONCURRENCY sets the number of worker processes.
A wrong setting ends gunicorn with one sentence and exit code 1, before any worker starts.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from bankproject import environment
from bankproject.production import is_production, require_own_machine
from bankproject.queue_worker import QueueWorker
from core import bulkhead, heartbeat
from core.metrics import folder

ROOT = Path(__file__).resolve().parent.parent

try:
    environment.read_dotenv(ROOT / ".env")
    HOST, PORT = environment.address()
    workers = environment.web_workers()
    threads = environment.web_threads()
    _serves_worker = environment.serves_worker()
    _counts_metrics = environment.counts_metrics()
except ImproperlyConfigured as error:
    sys.exit(str(error))

# Only the bank's user may access files that the server creates.
umask = 0o077
bind = f"[{HOST}]:{PORT}" if ":" in HOST else f"{HOST}:{PORT}"
wsgi_app = "bankproject.wsgi"
proc_name = "bank"

# Each thread keeps a database connection (CONN_MAX_AGE), and clients keep theirs: new ones for each
# request cost more than half of the throughput. Nothing is loaded before the fork, because
# connections and threads do not survive it.
worker_class = "bankproject.web_worker.WatchedThreadWorker"
preload_app = False

# In seconds. The database's time-outs are shorter, so they fire first.
timeout = 30
graceful_timeout = 30
# Also limits the wait for the first byte of a new connection, so it is short (docs/performance.md).
keepalive = 5

limit_request_line = 4094
limit_request_fields = 50
limit_request_field_size = 8190

# gunicorn takes neither scheme nor path from a request's headers: it would believe everybody on
# this machine. Django reads the proxy's headers (BANK_TRUSTED_PROXIES, SECURE_PROXY_SSL_HEADER).
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

# Any process of the bank's user could stop the server through the control socket.
control_socket_disable = True

# `serve` also starts a queue worker, which ends with the server.
_queue_worker: list[QueueWorker] = []
# Where the processes of this server count.
_metrics_folder: list[Path] = []


def on_starting(server: Any) -> None:
    """Checks all settings, and who can reach the server, in another process.

    This process itself loads nothing of the bank. `serve` has already checked the settings and has
    set BANK_SERVE_WORKER, but GUNICORN_CMD_ARGS may have changed the address.
    """
    try:
        _require_own_machine(server.cfg.address)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    if "BANK_SERVE_WORKER" not in os.environ:
        check = [sys.executable, "manage.py", "check", "--tag", "security"]
        if subprocess.run(check, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            sys.exit(1)
    if _counts_metrics:
        try:
            _metrics_folder.append(folder.make())
        except OSError as error:  # The bank is served all the same.
            os.environ["BANK_METRICS"] = "false"
            server.log.warning("There is no room for metrics, so there are none: %s", error)


def _require_own_machine(listening: list[Any]) -> None:
    """Checks pairs of host and port; anything else is a socket of this machine."""
    published_on = environment.text("BANK_PUBLISHED_ON")
    production = is_production()
    for address in listening:
        if isinstance(address, tuple):
            host, port = address
            require_own_machine(published_on or host, port, production=production)


def when_ready(server: Any) -> None:
    if _serves_worker:
        command = [sys.executable, "manage.py", "process_transactions"]
        # A supervisor restarts a worker that dies, and QueueWorker restarts the supervisor. A
        # server that is stopping has no listeners.
        supervisor = [*command, "--supervise", "--end-with-parent"]
        worker = QueueWorker(supervisor, server.log, lambda: not server.LISTENERS)
        worker.start()
        _queue_worker.append(worker)


def post_worker_init(worker: Any) -> None:
    # A long list takes longer to stream than a request may be silent. A worker class set by
    # GUNICORN_CMD_ARGS is itself silent during a request, or watches nothing.
    heartbeat.install(getattr(worker, "beat", worker.notify))
    bulkhead.install(worker.cfg.threads)
    # The bank is loaded by now, and not before the fork. Another application loads nothing of it.
    if apps.ready:
        _install_bank(worker.cfg.threads)


def _install_bank(threads_of_worker: int) -> None:
    from django.conf import settings

    from core import overload
    from core.metrics import instruments
    from events import waiting
    from transactions.ledger.processor import install_gathering

    if _metrics_folder:
        instruments.set_kind(instruments.WEB)
    waiting.install(threads_of_worker)
    overload.install(settings.OVERLOAD_MILLISECONDS)
    # While one of two threads leads, only one can wait: that gathers nothing.
    if environment.gathers() and threads_of_worker > 2:
        install_gathering()


def on_exit(_server: Any) -> None:
    for worker in _queue_worker:
        worker.stop()
    for made in _metrics_folder:
        folder.remove(made)


# The heartbeat file is kept in memory: on a slow disk healthy workers would look dead.
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - gunicorn makes the file safely and unlinks it
if Path(SHARED_MEMORY).is_dir():
    worker_tmp_dir = SHARED_MEMORY
