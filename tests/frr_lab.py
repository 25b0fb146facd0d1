"""A network run by FRR: one zebra and one bgpd per node, in namespaces, with our `frr.conf`.

VRFs are network namespaces (`zebra -n`), so that the kernel needs no VRF devices. Each VTEP's zebra
lives in a mount namespace of its own in which `/run/netns` shows that VTEP's VRFs only; otherwise
every `zebra -n` adopts every namespace of the machine.

Everything is called `cln-<random>-…`, processes are ended by pid file, and leaving the context
takes all of it away, whatever happened inside.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from compiler.targets.frr import config
from fabric.network import Network
from fabric.topology import Role

DAEMONS = "/usr/lib/frr"
ETC, RUN = Path("/etc/frr"), Path("/var/run/frr")
SYSCTLS = (
    "net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0", "net/ipv4/ip_forward=1",
    "net/ipv6/conf/all/forwarding=1", "net/ipv6/conf/default/accept_dad=0",
    "net/ipv4/fib_multipath_hash_policy=1",
)  # fmt: skip


@contextmanager
def frr_lab(network: Network) -> Iterator[FrrLab]:
    """The running network; all links are up at first, also those that are down in the model."""
    with tempfile.TemporaryDirectory(prefix="cln-frr-") as scratch:
        lab = FrrLab(network, f"cln-{secrets.token_hex(3)}-", Path(scratch))
        try:
            lab.wire()
            lab.start()
            yield lab
        finally:
            lab.remove()


class FrrLab:
    """Namespaces and daemons of one network."""

    def __init__(self, network: Network, prefix: str, scratch: Path) -> None:
        self.network, self.prefix, self.scratch = network, prefix, scratch
        self.nodes = [n.index for n in network.fabric.nodes if n.role is not Role.HOST]
        self.vrfs: dict[int, list[int]] = defaultdict(list)
        for vtep, vrf in network.plan.instances:
            self.vrfs[vtep].append(vrf)

    def name(self, node: int) -> str:
        """Namespace and FRR path space of a node."""
        return f"{self.prefix}{self.network.fabric.nodes[node].name}"

    def vrf_name(self, node: int, vrf: int) -> str:
        """Namespace of a VRF at a node."""
        return f"{self.name(node)}-vrf{self.network.vrfs[vrf].vni}"

    def namespaces(self) -> list[str]:
        vrfs = [self.vrf_name(n, v) for n, found in self.vrfs.items() for v in found]
        return [self.name(node) for node in self.nodes] + vrfs

    def wire(self) -> None:
        """Namespaces, cables, loopbacks, and a bridge with a VXLAN port per VRF."""
        for name in self.namespaces():
            run("ip", "netns", "add", name)
            sysctl = "; ".join(
                f"echo {s.split('=')[1]} > /proc/sys/{s.split('=')[0]}" for s in SYSCTLS
            )
            run("ip", "netns", "exec", name, "sh", "-c", f"{sysctl}; ip link set lo up")
        lines: dict[str, list[str]] = defaultdict(list)
        for link in self.network.fabric.links:
            if link.kind != "host":
                a, b = self.name(link.a), self.name(link.b)
                lines[a].append(
                    f"link add {link.a_port} mtu 9216 type veth "
                    f"peer name {link.b_port} mtu 9216 netns {b}"
                )
        run_batches(lines)
        lines.clear()
        for link in self.network.fabric.links:
            if link.kind != "host":
                lines[self.name(link.a)].append(f"link set {link.a_port} up")
                lines[self.name(link.b)].append(f"link set {link.b_port} up")
        for node in self.nodes:
            loopback = self.network.plan.vtep(node)
            lines[self.name(node)].append(f"addr add {loopback}/32 dev lo")
            for vrf in self.vrfs[node]:
                vni = self.network.vrfs[vrf].vni
                lines[self.name(node)] += [
                    f"link add vni{vni} mtu 9100 type vxlan id {vni} local {loopback} "
                    "dstport 4789 nolearning",
                    f"link set vni{vni} netns {self.vrf_name(node, vrf)}",
                ]
                mac = self.network.plan.router_mac[node, vrf]
                lines[self.vrf_name(node, vrf)] += [
                    f"link add br{vni} address {mac} mtu 9100 type bridge stp_state 0",
                    f"link set vni{vni} master br{vni}",
                    f"link set vni{vni} type bridge_slave learning off neigh_suppress on",
                    f"link set vni{vni} up",
                    f"link set br{vni} up",
                ]
        run_batches(lines)

    def start(self) -> None:
        """Daemons of every node, then their configuration."""
        for node in self.nodes:
            self.folders(node)
            zebra = ["-n"] if self.vrfs[node] else []
            self.daemon(node, "zebra", "-s", "90000000", *zebra)
            self.daemon(node, "bgpd")
        loads = [
            subprocess.Popen(
                ["vtysh", "-N", self.name(node), "-b"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            for node in self.nodes
        ]  # fmt: skip
        for load in loads:
            said, _ = load.communicate(timeout=60)
            assert load.returncode == 0 and "%" not in said and "Unknown" not in said, said

    def folders(self, node: int) -> None:
        frr = pwd.getpwnam("frr")
        for parent in (ETC, RUN):
            folder = parent / self.name(node)
            folder.mkdir(parents=True)
            os.chown(folder, frr.pw_uid, frr.pw_gid)
        (ETC / self.name(node) / "frr.conf").write_text(config(self.network, node))
        (ETC / self.name(node) / "vtysh.conf").write_text("service integrated-vtysh-config\n")

    def daemon(self, node: int, name: str, *options: str) -> None:
        """Start a daemon in the node's namespace, where it sees the node's VRFs only."""
        folder = self.scratch / self.name(node)
        folder.mkdir(exist_ok=True)
        mounts = []
        for vrf in self.vrfs[node]:
            seen = folder / f"vrf{self.network.vrfs[vrf].vni}"
            seen.touch()
            mounts.append(f"mount --bind /run/netns/{self.vrf_name(node, vrf)} {seen}")
        mounts.append(f"mount --rbind {folder} /run/netns")
        run(
            "nsenter", f"--net=/run/netns/{self.name(node)}",
            "unshare", "-m", "--propagation", "private",
            "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh",
            f"{DAEMONS}/{name}", "-d", "-N", self.name(node), "-P", "0", *options,
        )  # fmt: skip

    def show(self, node: int, *commands: str) -> list[Any]:
        """JSON answers of one node's daemons."""
        words = [word for command in commands for word in ("-c", f"{command} json")]
        text = run("vtysh", "-N", self.name(node), *words)
        decoder, place, out = json.JSONDecoder(), 0, []
        for _ in commands:
            while text[place] not in "{[":
                place += 1
            value, place = decoder.raw_decode(text, place)
            out.append(value)
        return out

    def fail(self, link: str) -> None:
        """Take a link down at its upper end."""
        data = next(link_ for link_ in self.network.fabric.links if link_.name == link)
        run("ip", "-n", self.name(data.b), "link", "set", data.b_port, "down")

    def remove(self) -> None:
        """Daemons, then namespaces and folders."""
        pids = []
        for node in self.nodes:
            for name in ("bgpd", "zebra"):
                try:
                    pids.append(int((RUN / self.name(node) / f"{name}.pid").read_text()))
                except (OSError, ValueError):
                    continue
        for signal_, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
            for pid in filter(alive, pids):
                os.kill(pid, signal_)
            deadline = time.monotonic() + patience
            while any(map(alive, pids)) and time.monotonic() < deadline:
                time.sleep(0.02)
        for name in self.namespaces():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        for node in self.nodes:
            for parent in (ETC, RUN):
                shutil.rmtree(parent / self.name(node), ignore_errors=True)


def alive(pid: int) -> bool:
    """Whether a daemon that we started still runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(holds: Callable[[], bool], seconds: float) -> bool:
    """Poll until something holds; whether it did in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def run(*command: str, stdin: str | None = None) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


def run_batches(lines: dict[str, list[str]]) -> None:
    """`ip -batch` per namespace."""
    for name, batch in lines.items():
        run("ip", "-n", name, "-batch", "-", stdin="\n".join(batch) + "\n")
