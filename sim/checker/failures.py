"""`hold_under`, asked again: each node, link or risk group alone, claim by claim.

A failure that changes no next hop and cuts no VTEP off is one that no packet can notice: regions
stay, and with them the claims. Tenants' endpoints behind a node that fails are left out: they
cannot answer. What zones have behind a border is not: it is there without the border.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from compiler.policy.ir import Policy
from fabric.build import rebuild
from fabric.kubernetes.unevaluated import Unevaluated
from fabric.network import Network
from fabric.topology import Role
from sim.checker.claims import Claim, Judge
from sim.checker.decisions import Decisions
from sim.checker.detours import Doors, way_of
from sim.checker.machines import led_on
from sim.checker.paths import Paths

KINDS = "any-1-link", "any-1-node", "any-1-risk-group"
Asked = dict[int, tuple[Claim, tuple[str, ...]]]
"""Claims that must hold under failures, by their number, with the kinds of failures."""


def failures(network: Network, kind: str) -> Iterator[str]:
    """What may fail, one at a time, beside what is down: links between devices that speak BGP, such
    devices, or all of a risk group."""
    fabric = network.fabric
    if kind == "any-1-link":
        for link in fabric.links:
            if link.kind != "host" and link.index not in fabric.down_links:
                yield link.name
    elif kind == "any-1-risk-group":
        standing = network.spec.risk_groups if network.spec else {}
        yield from (name for name in standing if name not in network.fabric.down)
    else:
        for node in fabric.nodes:
            if node.role is not Role.HOST and node.index not in fabric.down_nodes:
                yield node.name


def tried(network: Network, asked: Asked) -> int:
    """How many failures that is."""
    kinds = {kind for _, named in asked.values() for kind in named}
    return sum(len(list(failures(network, kind))) for kind in kinds)


def under_failures(
    network: Network, policy: Policy, decisions: Decisions, asked: Asked, doors: Doors
) -> tuple[dict[int, str], list[Unevaluated]]:
    """The first failure that breaks each claim, of those that any breaks; and each Service that
    leads around what keeps a claim under a failure, with the first one."""
    found: dict[int, str] = {}
    led: dict[tuple[str, ...], Unevaluated] = {}
    judges: dict[str, Judge | None] = {noticeable(network): None}
    for kind in KINDS:
        concerned = {n: claim for n, (claim, named) in asked.items() if kind in named}
        for name in failures(network, kind) if concerned else ():
            world = rebuild(network, down=(*network.fabric.down, name))
            key = noticeable(world)
            if key not in judges:
                judges[key] = Judge(Paths(world, policy, decisions).regions())
            judge = judges[key]
            if judge is None:
                continue
            gone = world.fabric.down_nodes - network.fabric.down_nodes
            behind = (e for e in network.endpoints if e.vtep in gone)
            left_out = {e.index for e in behind if e.zone == 1}
            for number, claim in concerned.items():
                if number not in found and not judge.judge(claim, left_out).holds:
                    found[number] = name
            meant = concerned.values()
            opened = doors.opened(judge, left_out, meant)
            for record in (*opened, *led_on(network, judge, meant, left_out)):
                led.setdefault(way_of(record), replace(record, under=f"without {name}"))
    return found, [*led.values()]


def noticeable(network: Network) -> str:
    """A digest of all that packets can notice: next hops of routes, VTEPs that reach others."""
    out = hashlib.sha256()
    vteps = sorted({vtep for vtep, _ in network.fib.instances})
    for vtep, vrf in network.fib.instances:
        for route in network.fib.routes(vtep, vrf):
            hops = [(hop.vtep, hop.vrf) for hop in route.nexthops]
            out.update(f"{vtep} {vrf} {route.prefix} {hops}\n".encode())
    for a in vteps:
        out.update(repr([b for b in vteps if network.underlay.reachable(a, b)]).encode())
    return out.hexdigest()
