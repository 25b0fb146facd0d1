"""`hold_under`, asked again: each node, link or risk group alone, each two links, claim by claim.

A failure that changes no next hop and cuts no VTEP off is one that no packet can notice: regions
stay, and with them the claims. Tenants' endpoints behind a node that fails are left out: they
cannot answer. What zones have behind a border is not: it is there without the border.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np

from compiler.policy.ir import Policy
from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.wiring.budget import afford_failures
from fabric.wiring.topology import Role
from sim.checker.expectations.claims import Claim, Judge
from sim.checker.expectations.detours import Doors, way_of
from sim.checker.expectations.machines import led_on
from sim.checker.walking.decisions import Decisions
from sim.checker.walking.paths import Paths

KINDS = (
    "any-1-link", "any-1-node", "any-1-risk-group", "any-2-links",
    "drain-any-leaf", "drain-any-spine",
)  # fmt: skip
Asked = dict[int, tuple[Claim, tuple[str, ...]]]
"""Claims that must hold under failures, by their number, with the kinds of failures."""


def single(network: Network, what: str) -> Iterator[str]:
    """What may fail beside what is down: links between devices that speak BGP, such devices, or all
    of a risk group."""
    fabric = network.fabric
    if what == "link":
        for link in fabric.links:
            if link.kind != "host" and link.index not in fabric.down_links:
                yield link.name
    elif what == "risk-group":
        yield from (g.name for g in fabric.risk_groups if g.name not in fabric.down)
    elif what.startswith("drained "):
        for node in fabric.nodes:
            named = node.role.value == what.removeprefix("drained ")
            if named and node.index not in fabric.down_nodes | fabric.drained:
                yield node.name
    else:
        for node in fabric.nodes:
            if node.role is not Role.HOST and node.index not in fabric.down_nodes:
                yield node.name


def failures(network: Network, kind: str) -> Iterator[tuple[str, ...]]:
    """What fails at once, failure by failure; two links are also tried alone."""
    most, what = asked_for(kind)
    names = [*single(network, what)]
    for number in range(1, most + 1):
        yield from combinations(names, number)


def asked_for(kind: str) -> tuple[int, str]:
    """How many of what fail, or are drained, at once."""
    if kind.startswith("drain-any-"):
        return 1, f"drained {kind.removeprefix('drain-any-')}"
    _, number, what = kind.split("-", 2)
    return int(number), what.removesuffix("s")


def tried(network: Network, asked: Asked) -> int:
    """How many failures that is, each once; known before any is listed."""
    most: dict[str, int] = {}
    for number, what in (asked_for(kind) for _, named in asked.values() for kind in named):
        most[what] = max(number, most.get(what, 0))
    sizes = {what: sum(1 for _ in single(network, what)) for what in most}
    return sum(comb(sizes[what], n + 1) for what in most for n in range(most[what]))


def under_failures(
    network: Network, policy: Policy, decisions: Decisions, asked: Asked, doors: Doors
) -> tuple[dict[int, str], list[Unevaluated]]:
    """The first failure that breaks each claim, of those that any breaks; and each Service that
    leads around what keeps a claim under a failure, with the first one. What was judged of a world
    that no packet can tell from this one is not judged again."""
    found: dict[int, str] = {}
    led: dict[tuple[str, ...], Unevaluated] = {}
    fabric = network.fabric
    as_it_is, judged = noticeable(network), set[tuple[int, str, frozenset[int]]]()
    known: tuple[str, Judge] | None = None
    alike = reaching(network)
    afford_failures(network.fabric, tried(network, asked))
    for kind in KINDS:
        concerned = {n: claim for n, (claim, named) in asked.items() if kind in named}
        for names in failures(network, kind) if concerned else ():
            draining = kind.startswith("drain-")
            drained, down = (names, ()) if draining else ((), names)
            drained = *fabric.draining, *drained
            world = rebuild(network, down=(*fabric.down, *down), drained=drained)
            if world.fib is network.fib and reaching(world) == alike:
                continue
            key = noticeable(world)
            if key == as_it_is:
                continue
            gone = world.fabric.down_nodes - network.fabric.down_nodes
            behind = (e for e in network.endpoints if e.vtep in gone)
            left_out = {e.index for e in behind if e.zone == 1}
            news = {
                n: c for n, c in concerned.items() if (n, key, frozenset(left_out)) not in judged
            }
            if not news:
                continue
            judged |= {(n, key, frozenset(left_out)) for n in news}
            if known is None or known[0] != key:
                known = key, Judge(Paths(world, policy, decisions).regions())
            judge, name = known[1], " and ".join(names)
            for number, claim in news.items():
                if number not in found and not judge.judge(claim, left_out).holds:
                    found[number] = f"draining {name}" if draining else name
            meant, word = news.values(), "draining" if draining else "without"
            opened = doors.opened(judge, left_out, meant)
            for record in (*opened, *led_on(network, judge, meant, left_out)):
                led.setdefault(way_of(record), replace(record, under=f"{word} {name}"))
    return found, [*led.values()]


def noticeable(network: Network) -> str:
    """A digest of all that packets can notice: next hops of routes, VTEPs that reach others."""
    out = hashlib.sha256()
    for vtep, vrf in network.fib.instances:
        for route in network.fib.routes(vtep, vrf):
            hops = [(hop.vtep, hop.vrf) for hop in route.nexthops]
            out.update(f"{vtep} {vrf} {route.prefix} {hops}\n".encode())
    out.update(repr(reaching(network)).encode())
    return out.hexdigest()


def reaching(network: Network) -> list[list[int]]:
    """The VTEPs that each VTEP reaches."""
    vteps = sorted({vtep for vtep, _ in network.fib.instances})
    at = np.array(vteps, np.int64)
    return [at[near >= 0].tolist() for near in network.underlay.lengths(at[:, None], at)]
