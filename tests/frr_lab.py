"""A network run by a release of FRR, with our `frr.conf`: a node's daemons in its namespace.

VRFs are network namespaces (`zebra -n`), so that the kernel needs no VRF devices. Each VTEP's zebra
lives in a mount namespace of its own in which `/run/netns` shows that VTEP's VRFs only; otherwise
every `zebra -n` adopts every namespace of the machine.

Everything is called `cln-<random>-…` and goes away with the context, whatever happened inside,
and also when the test's own process is killed (`frr_sweep`).
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from frr_releases import DAEMONS, FRR_8, Release
from frr_sweep import swept

from compiler.targets.frr import config
from fabric.network import Network
from fabric.topology import Role

SYSCTLS = (
    "net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0", "net/ipv4/ip_forward=1",
    "net/ipv6/conf/all/forwarding=1", "net/ipv6/conf/default/accept_dad=0",
    "net/ipv4/fib_multipath_hash_policy=1",
)  # fmt: skip


@contextmanager
def frr_lab(network: Network, release: Release = FRR_8) -> Iterator[FrrLab]:
    """The running network; all links are up at first, also those that are down in the model."""
    release.require()
    prefix, scratch = f"cln-{secrets.token_hex(3)}-", Path(tempfile.gettempdir())
    with swept(prefix, release.etc, release.run, scratch):
        lab = FrrLab(network, prefix, scratch / f"{prefix}scratch", release)
        lab.wire()
        lab.start()
        yield lab


class FrrLab:
    """Namespaces and daemons of one network."""

    def __init__(self, network: Network, prefix: str, scratch: Path, release: Release) -> None:
        self.network, self.prefix, self.scratch = network, prefix, scratch
        self.release = release
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
            zebra = ["-s", "90000000", *(["-n"] if self.vrfs[node] else [])]
            for name in self.release.daemons:
                self.daemon(node, name, *(zebra if name == "zebra" else ()))
        loads = [
            subprocess.Popen(
                self.release.command("vtysh", "-N", self.name(node), "-b"),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            for node in self.nodes
        ]  # fmt: skip
        for load in loads:
            said, _ = load.communicate(timeout=60)
            assert load.returncode == 0 and "%" not in said and "Unknown" not in said, said

    def folders(self, node: int) -> None:
        frr, etc = pwd.getpwnam(self.release.user), self.release.etc
        for parent in (etc, self.release.run):
            folder = parent / self.name(node)
            folder.mkdir(parents=True)
            os.chown(folder, frr.pw_uid, frr.pw_gid)
        (etc / self.name(node) / "frr.conf").write_text(config(self.network, node))
        (etc / self.name(node) / "vtysh.conf").write_text("service integrated-vtysh-config\n")

    def daemon(self, node: int, name: str, *options: str) -> None:
        """Start a daemon in the node's namespace, where it sees the node's VRFs only."""
        folder = self.scratch / self.name(node)
        folder.mkdir(parents=True, exist_ok=True)
        mounts = []
        for vrf in self.vrfs[node]:
            seen = folder / f"vrf{self.network.vrfs[vrf].vni}"
            seen.touch()
            mounts.append(f"mount --bind /run/netns/{self.vrf_name(node, vrf)} {seen}")
        mounts += self.release.mounts(folder)
        command = (
            "nsenter", f"--net=/run/netns/{self.name(node)}",
            "unshare", "-m", "--propagation", "private",
            "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh",
            *self.release.command(f"{DAEMONS}/{name}", "-d", "-N", self.name(node), "-P", "0"),
            *options,
        )  # fmt: skip
        said = self.scratch / f"{self.name(node)}.{name}"
        with said.open("w") as kept_open_by_mgmtd:
            done = subprocess.run(
                command, stdout=kept_open_by_mgmtd, stderr=subprocess.STDOUT, timeout=60
            )
        assert done.returncode == 0, said.read_text()

    def show(self, node: int, *commands: str) -> list[Any]:
        """JSON answers of one node's daemons."""
        words = [word for command in commands for word in ("-c", f"{command} json")]
        vtysh = self.release.command("vtysh", "-N", self.name(node))
        text = self.release.mended(run(*vtysh, *words))
        decoder, place, out = json.JSONDecoder(), 0, []
        for _ in commands:
            while text[place] not in "{[":
                place += 1
            value, place = decoder.raw_decode(text, place)
            out.append(value)
        return out

    def tell(self, node: int, *lines: str) -> None:
        """Lines of configuration, to one node's daemons while they run."""
        words = [word for line in ("configure terminal", *lines) for word in ("-c", line)]
        run(*self.release.command("vtysh", "-N", self.name(node), *words))

    def fail(self, link: str) -> None:
        """Take a link down at its upper end."""
        data = next(link_ for link_ in self.network.fabric.links if link_.name == link)
        run("ip", "-n", self.name(data.b), "link", "set", data.b_port, "down")


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
