"""The faults of the drill. Each one happens, is over once the cluster has reacted, and heals."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.crash.processes import eventually
from tests.ha.cluster import Cluster
from tests.ha.node import Node

Heal = Callable[[], None]
OVER_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Fault:
    """`happen` returns when the fault is over, with what undoes it.

    `is_short`: part of the short drill. `needs_machines`: only where links can be cut.
    """

    name: str
    what: str
    happen: Callable[[Cluster], Heal]
    is_short: bool = True
    needs_machines: bool = False


def _until_another_primary(cluster: Cluster, old: Node) -> None:
    eventually(lambda: cluster.primary() is not old, seconds=OVER_SECONDS)


def _an_etcd_node(cluster: Cluster) -> Heal:
    node = cluster.primary()
    node.kill_etcd()
    return node.start_etcd


def _a_standby(cluster: Cluster) -> Heal:
    (standby,) = cluster.of_role("sync_standby")
    standby.kill_postgresql()
    eventually(lambda: standby not in cluster.of_role("sync_standby"), seconds=OVER_SECONDS)
    return standby.start_patroni


def _switchover(cluster: Cluster) -> Heal:
    primary, (standby,) = cluster.primary(), cluster.of_role("sync_standby")
    words = ("--leader", primary.name, "--candidate", standby.name, "--force")
    standby.patronictl("switchover", "bank", *words)
    _until_another_primary(cluster, primary)
    return lambda: None


def _the_primary(cluster: Cluster) -> Heal:
    primary = cluster.primary()
    primary.kill_postgresql()
    _until_another_primary(cluster, primary)
    return primary.start_patroni


def _the_server_alone(cluster: Cluster) -> Heal:
    primary = cluster.primary()
    primary.kill_server_only()
    _until_another_primary(cluster, primary)
    return lambda: None


def _cut_from_the_others(cluster: Cluster) -> Heal:
    primary = cluster.primary()
    others = [node.machine for node in cluster.nodes if node is not primary and node.machine]
    assert primary.machine
    for other in others:
        primary.machine.cut_from(other)
    _until_another_primary(cluster, primary)

    def heal() -> None:
        for other in others:
            assert primary.machine
            primary.machine.join(other)

    return heal


def _unplugged(cluster: Cluster) -> Heal:
    primary = cluster.primary()
    assert primary.machine
    primary.machine.unplug()
    _until_another_primary(cluster, primary)
    return primary.machine.plug_in


FAULTS = (
    Fault("etcd", "kill -9 of etcd beside the primary", _an_etcd_node),
    Fault("standby", "kill -9 of the synchronous standby and its Patroni", _a_standby),
    Fault("switchover", "planned switchover", _switchover),
    Fault("server", "kill -9 of the primary PostgreSQL alone", _the_server_alone, is_short=False),
    Fault("primary", "kill -9 of the primary and its Patroni", _the_primary),
    Fault(
        "cut", "the primary is cut off from the other nodes, not from the bank",
        _cut_from_the_others, is_short=False, needs_machines=True,
    ),
    Fault(
        "unplugged", "the primary is cut off from everybody", _unplugged,
        is_short=False, needs_machines=True,
    ),
)  # fmt: skip
