"""Three nodes with `deploy/ha`, from their first start to their end."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.crash.processes import eventually
from tests.ha.network import Machine
from tests.ha.node import ENVIRONMENT, Node, Programs
from tests.postgresql_installations import Installation, newest_installation
from tests.unprivileged import Account, private_folder, unprivileged_account

NODES = 3
START_SECONDS = 120
_SECRETS = (
    "PATRONI_SUPERUSER_PASSWORD",
    "PATRONI_REPLICATION_PASSWORD",
    "PATRONI_REWIND_PASSWORD",
    "PATRONI_RESTAPI_PASSWORD",
    "BANK_OWNER_PASSWORD",
    "BANK_APP_PASSWORD",
)
_USERS = {
    "PATRONI_SUPERUSER_USERNAME": "postgres",
    "PATRONI_REPLICATION_USERNAME": "replicator",
    "PATRONI_REWIND_USERNAME": "rewinder",
    "PATRONI_RESTAPI_USERNAME": "patroni",
}


class Cluster:
    """The nodes, and the addresses of their database for the bank. `url` is that of `bank_app`."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self._secrets = {name: secrets.token_hex(16) for name in _SECRETS}
        for node in nodes:
            node.configure(nodes, self._secrets | _USERS)
        self.url, self.owner_url = self._url("app"), self._url("owner")

    def _url(self, role: str) -> str:
        hosts = ",".join(f"{node.host}:{node.port}" for node in self.nodes)
        password = self._secrets[f"BANK_{role.upper()}_PASSWORD"]
        return (
            f"postgresql://bank_{role}:{password}@{hosts}/bank"
            "?target_session_attrs=read-write&connect_timeout=2"
        )

    def start(self) -> None:
        """Returns when the primary has two standbys, of which one is synchronous."""
        for node in self.nodes:
            node.start_etcd()
        for node in self.nodes:
            node.start_patroni()
        self.until_whole(START_SECONDS)

    def until_whole(self, seconds: float = START_SECONDS) -> None:
        try:
            eventually(self._is_whole, seconds=seconds)
        except AssertionError as error:
            raise AssertionError("\n".join(node.logs() for node in self.nodes)) from error

    def _is_whole(self) -> bool:
        """All nodes tell the same: a primary, a synchronous standby, and all of them work."""
        for node in self.nodes:
            node.require_patroni()
        members, sources = self._told_by_most()
        working = [one for one in members if one["state"] in ("running", "streaming")]
        roles = {one["role"] for one in working}
        return sources == len(working) == NODES and {"leader", "sync_standby"} <= roles

    def members(self) -> list[dict[str, Any]]:
        """As most nodes tell it: one that is cut off, or was, tells what it knew."""
        members, sources = self._told_by_most()
        return members if sources > NODES // 2 else []

    def _told_by_most(self) -> tuple[list[dict[str, Any]], int]:
        """The members, and how many nodes tell the same primary."""
        by_leader: dict[str, list[Any]] = {}
        for node in self.nodes:
            members = node.told().get("members", [])
            for one in members:
                if one["role"] == "leader":
                    by_leader.setdefault(one["name"], []).append(members)
        told = max(by_leader.values(), key=len, default=[])
        return (told[-1], len(told)) if told else ([], 0)

    def primary(self) -> Node:
        return self.of_role("leader")[0]

    def of_role(self, role: str) -> list[Node]:
        """`leader`, `sync_standby` or `replica`. Waits for one."""

        def found() -> list[Node]:
            names = [one["name"] for one in self.members() if one["role"] == role]
            return [node for node in self.nodes if node.name in names]

        nodes: list[Node] = eventually(found, seconds=START_SECONDS)
        return nodes

    def ask_superuser(self, question: str) -> str:
        """The one value that the primary answers."""
        words = ("--no-psqlrc", "--tuples-only", "--no-align", "--dbname=bank")
        node = self.primary()
        answer = node.run_program("SUPERUSER", "psql", *words, f"--command={question}")
        return answer.strip()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner_url) as connection:
            return connection.execute(statement).fetchall()


def _copied_packages(folder: Path, account: Account) -> Path:
    """Patroni's packages, where the account can read them."""
    (packages,) = ENVIRONMENT.glob("lib/python*/site-packages")
    if not account:
        return packages
    copied = folder / "packages"
    shutil.copytree(packages, copied, ignore=shutil.ignore_patterns("pip*", "setuptools*"))
    for path in [copied, *copied.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return copied


@contextmanager
def cluster(*, with_machines: bool, installation: Installation | None = None) -> Iterator[Cluster]:
    """A started cluster, which ends with the block. `with_machines`: each node has a namespace."""
    account = unprivileged_account()
    with private_folder("bank-ha-", account) as folder:
        bindir = (installation or newest_installation()).bindir
        programs = Programs(account, bindir, _copied_packages(folder, account))
        nodes: list[Node] = []
        try:
            for number in range(1, NODES + 1):
                machine = Machine(number) if with_machines else None
                nodes.append(Node(number, folder, programs, machine))
            made = Cluster(nodes)
            made.start()
            yield made
        finally:
            for node in nodes:
                node.end()
