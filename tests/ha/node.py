"""A machine of the cluster: etcd, Patroni and PostgreSQL, with the files of `deploy/ha`."""

import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import yaml

from tests.crash.processes import ROOT, eventually, kill_all
from tests.ha.network import Machine
from tests.http import free_port
from tests.unprivileged import Account, runnable_copy

ENVIRONMENT = ROOT / ".venv-ha"
_PATRONICTL = "from patroni.ctl import ctl; ctl()"
_FILES = ("ha/patroni.yml", "ha/post_init.sh", "postgresql/roles.sql")
_PROBE_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Programs:
    """`bindir` is that of PostgreSQL; `packages` has Patroni, where the account can read it."""

    account: Account
    bindir: Path
    packages: Path


class Node:
    """One machine. Without `machine` all programs share 127.0.0.1, on ports of their own."""

    def __init__(
        self, number: int, folder: Path, programs: Programs, machine: Machine | None
    ) -> None:
        account = programs.account
        self.name = f"pg{number}"
        self.machine = machine
        self.folder = folder / self.name
        self.account = account
        self._etcd_name = f"etcd{number}"
        self._etcd: subprocess.Popen[bytes] | None = None
        self._patroni: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}
        self.folder.mkdir()
        for path in _FILES:
            shutil.copy(ROOT / "deploy" / path, self.folder)
        _adapt(self.folder / "patroni.yml")
        self.data = self.folder / "data"
        if account:
            shutil.chown(self.folder, account["user"], account["group"])
        self.bindir = runnable_copy(programs.bindir, self.folder, account)
        host = machine.address if machine else "127.0.0.1"
        ports = (2379, 2380, 5432, 8008) if machine else [free_port() for _ in range(4)]
        self.client, self.peer, self.postgresql, self.rest = (f"{host}:{port}" for port in ports)
        self.host, self.port = host, ports[2]
        # The interpreter below the environment, because that may lie where only root can go.
        self._python = str((ENVIRONMENT / "bin" / "python").resolve())
        self.packages = programs.packages

    def configure(self, nodes: list["Node"], secrets: dict[str, str]) -> None:
        """Sets the variables of `deploy/ha/node.env.example`."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "COV_"))}
        self._environment = environment | secrets | {
            "PATH": f"{self.bindir}:{environment['PATH']}",
            "HOME": str(self.folder),
            "PYTHONPATH": str(self.packages),
            "PATRONI_NAME": self.name,
            "PATRONI_RESTAPI_LISTEN": self.rest,
            "PATRONI_RESTAPI_CONNECT_ADDRESS": self.rest,
            "PATRONI_POSTGRESQL_LISTEN": self.postgresql,
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": self.postgresql,
            "PATRONI_ETCD3_HOSTS": ",".join(node.client for node in nodes),
            "PATRONI_POSTGRESQL_DATA_DIR": str(self.data),
            "PATRONI_POSTGRESQL_BIN_DIR": str(self.bindir),
            "PATRONI_POSTGRESQL_PGPASS": str(self.folder / "pgpass"),
            "ETCD_NAME": self._etcd_name,
            "ETCD_LISTEN_CLIENT_URLS": f"http://{self.client}",
            "ETCD_ADVERTISE_CLIENT_URLS": f"http://{self.client}",
            "ETCD_LISTEN_PEER_URLS": f"http://{self.peer}",
            "ETCD_INITIAL_ADVERTISE_PEER_URLS": f"http://{self.peer}",
            "ETCD_INITIAL_CLUSTER": ",".join(f"{n._etcd_name}=http://{n.peer}" for n in nodes),
            "ETCD_INITIAL_CLUSTER_STATE": "new",
            "ETCD_INITIAL_CLUSTER_TOKEN": "bank",
            "ETCD_DATA_DIR": str(self.folder / "etcd"),
        }  # fmt: skip

    def start_etcd(self) -> None:
        self._etcd = self._start("etcd", "etcd")

    def start_patroni(self) -> None:
        self._patroni = self._start("patroni", self._python, "-m", "patroni", self._yml)

    def require_patroni(self) -> None:
        assert self._patroni is None or self._patroni.poll() is None, f"{self.name}: Patroni ended."

    @property
    def _yml(self) -> str:
        return str(self.folder / "patroni.yml")

    def patronictl(self, *words: str) -> str:
        """Runs `patronictl` there, and asserts that it succeeds."""
        return self._run({}, self._python, "-c", _PATRONICTL, "-c", self._yml, *words)

    def run_program(self, role: str, program: str, *words: str) -> str:
        """Runs a program of PostgreSQL there, as `SUPERUSER` or `REPLICATION`. It must succeed."""
        login = {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self._environment[f"PATRONI_{role}_USERNAME"],
            "PGPASSWORD": self._environment[f"PATRONI_{role}_PASSWORD"],
        }
        return self._run(login, str(self.bindir / program), *words)

    def _run(self, variables: dict[str, str], *command: str) -> str:
        done = subprocess.run(
            self._words(*command), cwd=self.folder, env=self._environment | variables, check=False,
            capture_output=True, text=True, stdin=subprocess.DEVNULL, **self._options,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def told(self) -> dict[str, Any]:
        """The cluster as this node's Patroni tells it; empty where none answers."""
        try:
            with urlopen(f"http://{self.rest}/cluster", timeout=_PROBE_SECONDS) as answer:
                found: dict[str, Any] = json.load(answer)
        except (URLError, OSError, json.JSONDecodeError):
            return {}
        return found

    def kill_postgresql(self) -> None:
        """Kills Patroni and PostgreSQL with all its processes (SIGKILL)."""
        if self._patroni is not None:
            kill_all(self._patroni.pid)
            self._patroni.wait()
            self._patroni = None
        if pid := self._postmaster():
            kill_all(pid)
            eventually(lambda: not psutil.pid_exists(pid) or _is_zombie(pid), seconds=30)

    def kill_patroni_only(self) -> None:
        assert self._patroni is not None
        self._patroni.kill()
        self._patroni.wait()

    def kill_server_only(self) -> None:
        """Kills PostgreSQL (SIGKILL), and leaves its Patroni."""
        pid = self._postmaster()
        assert pid
        kill_all(pid)

    def kill_etcd(self) -> None:
        if self._etcd is not None:
            kill_all(self._etcd.pid)
            self._etcd.wait()
            self._etcd = None

    def end(self) -> None:
        if self._patroni is not None:
            kill_all(self._patroni.pid) if not self._postmaster() else self._patroni.kill()
            self._patroni.wait()
        if pid := self._postmaster():
            # Not SIGKILL: the server has to give its shared memory back.
            os.kill(pid, signal.SIGQUIT)
            eventually(lambda: not psutil.pid_exists(pid) or _is_zombie(pid), seconds=30)
        self.kill_etcd()
        if self.machine:
            self.machine.end()

    def logs(self) -> str:
        """The ends of all logs of this node."""
        paths = [self.folder / f"{name}.log" for name in ("patroni", "etcd")]
        return "\n".join(f"{path}:\n{path.read_text()[-3000:]}" for path in paths if path.exists())

    def _postmaster(self) -> int:
        """The first process of the running server; 0 if there is none."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            alive = psutil.Process(pid).exe().startswith(str(self.bindir.resolve()))
        except (OSError, ValueError, IndexError, psutil.Error):
            return 0
        return pid if alive and not _is_zombie(pid) else 0

    def _start(self, log: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{log}.log").open("ab") as output:
            return subprocess.Popen(
                self._words(*command), cwd=self.folder, env=self._environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                **self._options,
            )  # fmt: skip

    def _words(self, *command: str) -> list[str]:
        entering = self.machine.entering(dict(self.account)) if self.machine else []
        return [*entering, *command]

    @property
    def _options(self) -> dict[str, Any]:
        """Only root enters a namespace; `nsenter` then changes the user."""
        return {} if self.machine else dict(self.account)


def _adapt(path: Path) -> None:
    """No flush to the disk: the drill ends processes, and no machine loses its power.

    A socket of its own: the nodes share this machine's file system.
    """
    settings = yaml.safe_load(path.read_text("utf-8"))
    bootstrap = settings["bootstrap"]
    bootstrap["initdb"] += ["no-sync"]
    bootstrap["dcs"]["postgresql"]["parameters"]["fsync"] = "off"
    settings["postgresql"]["basebackup"] = ["no-sync", {"checkpoint": "fast"}]
    settings["postgresql"]["parameters"] = {"unix_socket_directories": str(path.parent)}
    path.write_text(yaml.safe_dump(settings), "utf-8")


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
