"""A network run by a release of FRR, each node's daemons in its namespace, from the files that
`compile` writes for it and nothing else: namespaces and cables are all that is added.

Where the kernel has no VRF devices, VRFs are network namespaces (`zebra -n`, `netns_vrfs`). Each
VTEP's zebra then lives in a mount namespace of its own in which `/run/netns` shows that VTEP's VRFs
only; otherwise every `zebra -n` adopts every namespace of the machine.

Everything is called `cln-<random>-…` and goes away with the context, whatever happened inside,
and also when the test's own process is killed (`frr_sweep`).
"""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from compiled import compile_network
from frr_daemons import load, run, start
from frr_releases import FRR_8, Release
from frr_sweep import swept
from netns_vrfs import Spaces, vrfs

from cloison.cli.files.compile import write
from compiler.targets.catalogue import writers
from compiler.targets.hosts.releases import RELEASES
from fabric.building.network import Network
from fabric.wiring.topology import Role


@contextmanager
def frr_lab(network: Network, release: Release = FRR_8) -> Iterator[FrrLab]:
    """The running network; all links are up at first, also those that are down in the model."""
    release.require()
    prefix, scratch = f"cln-{secrets.token_hex(3)}-", Path(tempfile.gettempdir())
    with swept(prefix, release.etc, release.run, scratch):
        lab = FrrLab(network, prefix, scratch / f"{prefix}scratch", release)
        lab.write()
        lab.wire()
        lab.set_up()
        lab.start()
        yield lab


class FrrLab:
    """Namespaces and daemons of one network, of which the cables are taken; everything else is in
    files."""

    def __init__(self, network: Network, prefix: str, scratch: Path, release: Release) -> None:
        self.network, self.prefix, self.scratch = network, prefix, scratch
        self.release, self.format = release, RELEASES[release.name].format
        self.nodes = [n.index for n in network.fabric.nodes if n.role is not Role.HOST]
        self.vrfs: dict[int, list[int]] = defaultdict(list)
        for vtep, vrf in network.plan.instances:
            self.vrfs[vtep].append(vrf)
        self.devices = has_vrf_devices(f"{prefix}probe")
        self.patience = 4 if self.devices else 1
        """Where there are such devices, every instruction may be emulated."""
        brought = writers()[self.format].brings[0]
        self.set_up_format = brought if self.devices else "linux"

    def name(self, node: int) -> str:
        """Namespace and FRR path space of a node; a path space has no dots."""
        return f"{self.prefix}{self.network.fabric.nodes[node].name.replace('.', '_')}"

    def write(self) -> None:
        """The files, as the command line writes them."""
        program = compile_network(self.network)
        formats = self.format, self.set_up_format
        write(program, self.scratch / "files", formats, frozenset(), lambda *_: None)

    def file(self, node: int, kind: str) -> str:
        """What was written for a node, of a format."""
        (path,) = (self.scratch / "files" / kind).glob(f"{self.network.fabric.nodes[node].name}.*")
        return path.read_text()

    def wire(self) -> None:
        """Machines and the cables between them; nothing is up."""
        for node in self.nodes:
            run("ip", "netns", "add", self.name(node))
        lines: dict[str, list[str]] = defaultdict(list)
        for link in self.network.fabric.links:
            if link.kind != "host":
                a, b = self.name(link.a), self.name(link.b)
                lines[a].append(
                    f"link add {link.a_port} type veth peer name {link.b_port} netns {b}"
                )
        for name, batch in lines.items():
            run_batch(name, "", batch)

    def set_up(self) -> None:
        """Every machine becomes its node, by the script that was written for it."""
        for node in self.nodes:
            text, name = self.file(node, self.set_up_format), self.name(node)
            if self.devices:
                run("ip", "netns", "exec", name, "sh", stdin=text)
                continue
            for vrf in vrfs(text):
                run("ip", "netns", "add", f"{name}-{vrf}")
            todo = Spaces(text, lambda vrf, name=name: f"{name}-{vrf}" if vrf else name)
            for space, switches in todo.switches.items():
                run(
                    "ip", "netns", "exec", space, "sysctl", "-q", "-p", "-",
                    stdin="\n".join(switches) + "\n",
                )  # fmt: skip
            for (space, family), batch in todo.batches.items():
                run_batch(space, family, batch)

    def start(self) -> None:
        """Daemons of every node, then their configuration."""
        for node in self.nodes:
            name = self.name(node)
            found = [] if self.devices else vrfs(self.file(node, "linux"))
            config = self.file(node, self.format)
            start(self.release, name, config, {vrf: f"{name}-{vrf}" for vrf in found})
        load(self.release, map(self.name, self.nodes))

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


def run_batch(space: str, family: str, lines: list[str]) -> None:
    """`ip -batch` in a namespace."""
    options = [family] if family else []
    run("ip", "-n", space, *options, "-batch", "-", stdin="\n".join(lines) + "\n")


def has_vrf_devices(space: str) -> bool:
    """Whether this kernel has them, tried in a namespace that is gone afterwards."""
    run("ip", "netns", "add", space)
    try:
        add = ["ip", "-n", space, "link", "add", "probe", "type", "vrf", "table", "1"]
        return subprocess.run(add, capture_output=True).returncode == 0
    finally:
        run("ip", "netns", "del", space)
