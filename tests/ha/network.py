"""A network of its own for three machines: namespaces on a bridge, whose links can be cut.

All of it lives in the namespace of this process (`own_namespace`), and ends with the processes in
it. Needs root and the program `ip`.
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BRIDGE = "bank0"
# An address of its own block for each machine; this side of the bridge has the last one.
_BLOCK = "10.213.0"
_NOBODY = "02:00:00:00:00:fe"  # A hardware address that no machine has.
_KEEPER = ("/usr/bin/unshare", "--net", "/usr/bin/sleep", "infinity")
_INSIDE = "BANK_HA_NAMESPACE"


def can_cut() -> bool:
    """Whether this process may make namespaces."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return False
    command = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def own_namespace(module: str) -> None:
    """Starts this program again in a network namespace of its own, unless it is in one."""
    if os.environ.pop(_INSIDE, ""):
        _ip("link", "set", "lo", "up")
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("address", "add", f"{_BLOCK}.254/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        return
    os.environ[_INSIDE] = "1"
    command = ["unshare", "--net", "--", sys.executable, "-m", module, *sys.argv[1:]]
    os.execvp(command[0], command)  # noqa: S606 - without a shell


@dataclass(slots=True)
class Machine:
    """A namespace with one address on the bridge. Number 1 has the address ending in 1."""

    number: int
    _keeper: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        # A namespace lives as long as a process in it.
        self._keeper = subprocess.Popen(_KEEPER)
        outer, inner = f"out{self.number}", f"in{self.number}"
        _ip("link", "add", outer, "type", "veth", "peer", "name", inner)
        ours, its = Path("/proc/self/ns/net"), Path(f"/proc/{self._keeper.pid}/ns/net")
        while its.samefile(ours):
            time.sleep(0.01)
        _ip("link", "set", inner, "netns", str(self._keeper.pid))
        _ip("link", "set", outer, "master", BRIDGE, "up")
        self._inside("link", "set", "lo", "up")
        self._inside("address", "add", f"{self.address}/24", "dev", inner)
        self._inside("link", "set", inner, "up")

    @property
    def address(self) -> str:
        return f"{_BLOCK}.{self.number}"

    def entering(self, account: dict[str, Any]) -> list[str]:
        """The words before a command that runs there, as this account."""
        words = ["nsenter", f"--net=/proc/{self._keeper.pid}/ns/net"]
        if account:
            words += [f"--setuid={account['user']}", f"--setgid={account['group']}"]
        return [*words, "--"]

    def unplug(self) -> None:
        """Cuts the machine off from everybody. Packets vanish; nobody is told."""
        _ip("link", "set", f"out{self.number}", "down")

    def plug_in(self) -> None:
        _ip("link", "set", f"out{self.number}", "up")

    def cut_from(self, other: "Machine") -> None:
        """Cuts this machine off from another one. Both still reach everybody else."""
        for one, far in ((self, other), (other, self)):
            words = ("neighbour", "replace", far.address, "lladdr", _NOBODY, "nud", "permanent")
            one._inside(*words, "dev", f"in{one.number}")

    def join(self, other: "Machine") -> None:
        for one, far in ((self, other), (other, self)):
            one._inside("neighbour", "del", far.address, "dev", f"in{one.number}")

    def end(self) -> None:
        self._keeper.kill()
        self._keeper.wait()

    def _inside(self, *words: str) -> None:
        subprocess.run([*self.entering({}), "ip", *words], check=True)


def _ip(*words: str) -> None:
    command = ["ip", *words]
    subprocess.run(command, check=True)
