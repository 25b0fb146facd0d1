"""Tenants with the same addresses and a rule each, to change one of them and look at the others."""

from __future__ import annotations

from ipaddress import ip_network

from routed import at, endpoint, routed

from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    InVrf,
    Named,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from fabric.building.network import Network

IN = Direction.IN


def tenants(n: int) -> tuple[Network, Policy]:
    """`n` tenants of two pods each, who reach each other on port 80/tcp."""
    ends = [
        at(0, endpoint(2 * t + i, f"t{t}/web/p{i}", t, f"10.0.0.{i + 1}/32", f"fd00::{i + 1}/128"))
        for t in range(n)
        for i in (0, 1)
    ]
    tables = {
        (0, t): [(str(p), [(0, t)]) for e in ends if e.vrf == t for p in e.prefixes]
        for t in range(n)
    }
    rules = tuple(inside(t, 80) for t in range(n))
    closed = tuple(
        Selection(
            Stage.ISOLATION, IN, (Named((f"t{t}/*",)),), Action.DENY, Origin("tenant", str(t))
        )
        for t in range(n)
    )
    names = [f"t{t}/main" for t in range(n)]
    return routed(["dpu1"], names, ends, tables), Policy(rules, closed)


def inside(tenant: int, port: int, prefix: str | None = None) -> Rule:
    who = (Named((f"t{tenant}/*",)),)
    remote = (Cidr(ip_network(prefix)) if prefix else InVrf(frozenset({f"t{tenant}/main"})),)
    ports = (L4(6, port, port),)
    origin = Origin("tenant", f"t{tenant} {port}")
    return Rule(Stage.ISOLATION, IN, 1, who, remote, ports, Action.PERMIT, origin)
