"""How gunicorn serves the bank: `gunicorn --config python:bankproject.gunicorn_conf`.

Listens on HOST:PORT (127.0.0.1:5000). WEB_CONCURRENCY sets the number of worker processes.
A wrong setting ends gunicorn with one sentence and exit code 1, before any worker starts.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from bankproject import environment
from bankproject.production import is_production, require_own_machine
from core import bulkhead, heartbeat

ROOT = Path(__file__).resolve().parent.parent

try:
    environment.read_dotenv(ROOT / ".env")
    HOST, PORT = environment.address()
    workers = environment.web_workers()
    _serves_worker = environment.serves_worker()
except ImproperlyConfigured as error:
    sys.exit(str(error))

# All that the server makes is for its user alone.
umask = 0o077
bind = f"[{HOST}]:{PORT}" if ":" in HOST else f"{HOST}:{PORT}"
wsgi_app = "bankproject.wsgi"
proc_name = "bank"

# Each thread keeps a database connection, which CONN_MAX_AGE reuses, and clients keep theirs: a new
# one for each request cost more than half of the rate. Nothing is loaded before the fork, because
# connections and threads do not survive one.
worker_class = "bankproject.web_worker.WatchedThreadWorker"
preload_app = False
threads = environment.WEB_THREADS

# In seconds. The time-outs of the database are shorter, so that they fire first.
timeout = 30
graceful_timeout = 30
keepalive = 5

limit_request_line = 4094
limit_request_fields = 50
limit_request_field_size = 8190

# Anyone with the bank's user could stop it through the control socket.
control_socket_disable = True

# `serve` also starts a worker of the queue, which ends with the server.
_queue_worker: list[subprocess.Popen[bytes]] = []


def on_starting(server: Any) -> None:
    """Looks at who can reach the server, and at all settings, in another process.

    This one loads nothing of the bank. `serve` has looked at the settings already, and has set
    BANK_SERVE_WORKER; GUNICORN_CMD_ARGS may still have changed the address.
    """
    try:
        _require_own_machine(server.cfg.address)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    if "BANK_SERVE_WORKER" not in os.environ:
        check = [sys.executable, "manage.py", "check", "--tag", "security"]
        if subprocess.run(check, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            sys.exit(1)


def _require_own_machine(listening: list[Any]) -> None:
    """Pairs of host and port; anything else is a socket of this machine."""
    published_on = environment.text("BANK_PUBLISHED_ON")
    production = is_production()
    for address in listening:
        if isinstance(address, tuple):
            host, port = address
            require_own_machine(published_on or host, port, production=production)


def when_ready(_server: Any) -> None:
    if _serves_worker:
        command = [sys.executable, "manage.py", "process_transactions"]
        # Supervised: one that dies is started again.
        _queue_worker.append(subprocess.Popen([*command, "--supervise", "--end-with-parent"]))


def post_worker_init(worker: Any) -> None:
    # A long list that is streamed takes longer than a request may be silent. Another class of
    # worker, by GUNICORN_CMD_ARGS, is itself silent while it answers, or watches nothing.
    heartbeat.install(getattr(worker, "beat", worker.notify))
    bulkhead.install(worker.cfg.threads)


def on_exit(_server: Any) -> None:
    for worker in _queue_worker:
        worker.terminate()
    for worker in _queue_worker:
        worker.wait()


# The heartbeat file belongs in memory: a slow disk would make healthy workers look dead.
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - gunicorn makes the file safely and unlinks it
if Path(SHARED_MEMORY).is_dir():
    worker_tmp_dir = SHARED_MEMORY
