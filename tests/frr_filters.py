"""Two nodes of FRR with several sessions between them: which routes the second takes over from the
first through its filters, and what it prints as its configuration.

Session k is between 10.255.k.1 and 10.255.k.2; the first node announces `ROUTES` on each.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from frr_daemons import load, run, start, wait_for
from frr_releases import Release
from frr_sweep import swept

SESSIONS = 12
BLOCKS = ((0, 16), (0, 24), (1, 24), (128, 17), (0, 20), (16, 20), (0, 30))
ROUTES = (
    *(f"10.{a}.{b}.0/{length}" for a in (0, 1, 2, 128) for b, length in BLOCKS),
    *("0.0.0.0/0", "192.0.2.0/24", "192.0.2.7/32", "10.0.0.0/8", "10.0.0.0/9"),
)
WIDE = ("10.0.0.0/8", "10.0.0.0/9", "10.1.0.0/16", "10.0.0.0/16", "0.0.0.0/0", "10.2.0.0/20")
ANNOUNCING = """\
frr defaults datacenter
hostname one
router bgp 65001
 bgp router-id 10.0.0.1
 no bgp network import-check
{neighbors} address-family ipv4 unicast
{networks} exit-address-family
"""


@dataclass(frozen=True, slots=True)
class Filtering:
    """`config` is what the second node runs."""

    release: Release
    config: str
    prefix: str = field(default_factory=lambda: f"cln-{secrets.token_hex(3)}-")

    @contextmanager
    def up(self) -> Iterator[Filtering]:
        """Runs, with all routes announced; nothing is left of it."""
        self.release.require()
        with swept(self.prefix, self.release.etc, self.release.run, Path(tempfile.gettempdir())):
            for node in (1, 2):
                run("ip", "netns", "add", self.name(node))
                run("ip", "-n", self.name(node), "link", "set", "lo", "up")
            for k in range(SESSIONS):
                cable = f"x{k} type veth peer name x{k} netns {self.name(2)}"
                run("ip", "-n", self.name(1), "link", "add", *cable.split())
                for node in (1, 2):
                    space = self.name(node)
                    run("ip", "-n", space, "addr", "add", f"10.255.{k}.{node}/24", "dev", f"x{k}")
                    run("ip", "-n", space, "link", "set", f"x{k}", "up")
            neighbors = "".join(
                f" neighbor 10.255.{k}.2 remote-as 65002\n neighbor 10.255.{k}.2 timers connect 1\n"
                for k in range(SESSIONS)
            )
            networks = "".join(f"  network {route}\n" for route in ROUTES)
            one = ANNOUNCING.format(neighbors=neighbors, networks=networks)
            for node, config in ((1, one), (2, self.config)):
                start(self.release, self.name(node), config, {})
            load(self.release, map(self.name, (1, 2)))
            yield self

    def name(self, node: int) -> str:
        """Namespace of a node."""
        return f"{self.prefix}n{node}"

    def show(self, command: str) -> Any:
        """JSON answer of the second node."""
        vtysh = self.release.command("vtysh", "-N", self.name(2))
        return json.loads(self.release.mended(run(*vtysh, "-c", f"{command} json")))

    def printed(self) -> str:
        """The configuration that the second node prints."""
        vtysh = self.release.command("vtysh", "-N", self.name(2))
        return run(*vtysh, "-c", "show running-config")

    def settled(self, up: int) -> bool:
        """Wait until so many sessions are up and have heard everything."""

        def heard() -> bool:
            peers = self.show("show bgp ipv4 unicast summary").get("peers", {})
            ready = [p for p in peers.values() if p.get("state") == "Established"]
            return len(ready) >= up and all(p.get("msgRcvd", 0) > 4 for p in ready)

        return wait_for(heard, 40)

    def taken(self, k: int) -> set[str]:
        """The routes that the second node took over in a session."""
        said = self.show(f"show bgp ipv4 unicast neighbors 10.255.{k}.1 routes")
        return {*said.get("routes", {})}


class AnyFilters:
    """Random lists, maps and neighbors of the second node."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def config(self) -> str:
        """A configuration of the second node."""
        r = self.random
        lists = [f"p{n}" for n in range(5)]
        maps = [f"m{n}" for n in range(7)]
        out = [
            f"frr defaults {r.choice(('datacenter', 'datacenter', 'traditional'))}",
            "hostname two",
        ]
        for name in lists:
            out += [self.entry(name) for _ in range(r.randint(1, 4))]
        for number, name in enumerate(maps):
            for rule in sorted(r.sample(range(1, 60), r.randint(1, 4))):
                out += self.rule(name, rule, [*lists, *["p9"] * (r.random() < 0.1)], maps[:number])
        out += ["router bgp 65002", " bgp router-id 10.0.0.2"]
        if r.random() < 0.3:
            out.append(f" {r.choice(('', 'no '))}bgp ebgp-requires-policy".replace("  ", " "))
        out += [
            " neighbor G peer-group",
            f" neighbor G remote-as {r.choice(('external', '65001'))}",
        ]
        for k in range(SESSIONS):
            own = f" neighbor 10.255.{k}.1"
            out.append(f"{own} peer-group G" if r.random() < 0.3 else f"{own} remote-as 65001")
            out.append(f"{own} timers connect 1")
        out.append(" address-family ipv4 unicast")
        if r.random() < 0.5:
            out.append(f"  neighbor G route-map {r.choice(maps)} in")
        for k in range(SESSIONS):
            own = f"  neighbor 10.255.{k}.1"
            if r.random() < 0.8:
                out.append(f"{own} route-map {r.choice((*maps, *maps, 'm9'))} in")
            if r.random() < 0.3:
                out.append(f"{own} prefix-list {r.choice((*lists, 'p9'))} in")
        return "\n".join([*out, " exit-address-family", ""])

    def entry(self, name: str) -> str:
        r = self.random
        seq = f"seq {r.randint(1, 40)} " if r.random() < 0.7 else ""
        block = r.choice(WIDE)
        length = int(block.rpartition("/")[2])
        low = r.randint(length + 1, 32)
        limits = r.choice(
            ("", "", f" le {low}", f" ge {low}", f" ge {low} le {r.randint(low, 32)}")
        )
        target = "any" if r.random() < 0.1 else f"{block}{limits}"
        return f"ip prefix-list {name} {seq}{r.choice(('permit', 'permit', 'deny'))} {target}"

    def rule(self, name: str, number: int, lists: list[str], called: list[str]) -> list[str]:
        r = self.random
        out = [f"route-map {name} {r.choice(('permit', 'permit', 'deny'))} {number}"]
        if r.random() < 0.7:
            out.append(f" match ip address prefix-list {r.choice(lists)}")
        if r.random() < 0.1:
            out.append(" match metric 7")
        if r.random() < 0.15 and called:
            out.append(f" call {r.choice(called)}")
        if r.random() < 0.3 and "permit" in out[0]:
            out.append(r.choice((" on-match next", f" on-match goto {r.randint(number + 1, 70)}")))
        return [*out, "exit"]
