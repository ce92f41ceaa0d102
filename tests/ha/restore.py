"""A restore to a moment: a base backup and the archived log, ending in verify_ledger.

The steps are those of docs/operations.md, "Point in time".
"""

import shutil
from pathlib import Path
from random import Random

import psycopg

from tests.concurrency.tally import Tally
from tests.crash.bank import Bank, manage
from tests.crash.client import Request, settle
from tests.crash.processes import ROOT, eventually
from tests.ha.cluster import Cluster
from tests.postgresql import PostgresqlServer
from tests.postgresql_installations import Installation

_KEYS = "SELECT idempotency_key FROM transactions_transaction WHERE idempotency_key LIKE 'moment-%'"


class _Restored(PostgresqlServer):
    """A server on a base backup, which replays the archive up to a moment, and then serves."""

    def __init__(self, cluster: Cluster, base: Path, wal: Path, moment: str) -> None:
        node = cluster.nodes[0]
        settings = {
            "restore_command": f"cp {wal}/%f %p",
            "recovery_target_time": moment,
            "recovery_target_action": "promote",
            "synchronous_standby_names": "",  # It is alone.
            "archive_mode": "off",
        }
        super().__init__(Installation((0, 0), node.bindir), base.parent, node.account, False, {})
        self.data_dir = base
        self._secret_url = cluster.url
        # In this file, which is read last: Patroni's own names every other target as empty.
        with (base / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        (base / "recovery.signal").touch()

    def _url(self, database: str) -> str:
        user = self._secret_url.partition("@")[0]
        return f"{user}@127.0.0.1:{self.port}/bank"


def restore_to_a_moment(cluster: Cluster, bank: Bank, account_id: str) -> None:
    """Asserts that the restored bank has the deposit before the moment, and not the one after."""
    node = cluster.primary()
    folder = node.folder / "restore"
    base, wal = folder / "base", folder / "wal"
    for path in (folder, base, wal):
        path.mkdir(mode=0o700)
        if node.account:
            shutil.chown(path, node.account["user"], node.account["group"])
    script = shutil.copy(ROOT / "deploy" / "postgresql" / "archive_wal.sh", node.folder)
    command = f"archive_command='sh {script} %p {wal}'"
    node.patronictl("edit-config", "bank", "--force", "--quiet", "--pg", command)
    words = (f"--pgdata={base}", "--checkpoint=fast", "--no-sync")
    node.run_program("REPLICATION", "pg_basebackup", *words)

    _deposit(bank, account_id, "moment-before")
    moment = str(cluster.query("SELECT clock_timestamp()")[0][0])
    _deposit(bank, account_id, "moment-after")
    assert len(cluster.query(_KEYS)) == len(("before", "after"))
    piece = cluster.ask_superuser("SELECT pg_walfile_name(pg_switch_wal())")
    eventually((wal / piece).exists)

    restored = _Restored(cluster, base, wal, moment)
    try:
        restored.start()
        with psycopg.connect(restored.url, autocommit=True) as connection:
            eventually(
                lambda: connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
            )
            assert connection.execute(_KEYS).fetchall() == [("moment-before",)]
        manage(bank.environment | {"DATABASE_URL": restored.url}, "verify_ledger", "--json")
    finally:
        restored.end()


def _deposit(bank: Bank, account_id: str, key: str) -> None:
    request = Request(f"accounts/{account_id}/deposit/", {"amount": "1.00"}, key)
    answer = settle(bank.web.port, bank.token, request, random=Random(), tally=Tally())  # noqa: S311
    assert answer.status == 200, answer
