"""Whether packets may and must pass: between classes, one more of a class, and the outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from naive_members import Unit, related
from naive_worlds import L4, World, outer

from compiler.policy.ir import Direction, OwnNode, Packet, Policy
from compiler.policy.semantics import decide
from fabric.values.inventory import Endpoint


def between(
    world: World, src: list[Unit], dst: list[Unit], own: bool, l4: L4
) -> tuple[bool, bool] | None:
    """May and must; None when there are no two of them."""
    if not src or not dst:
        return False, False
    found = [
        [
            got == b.endpoint.index
            for got in world.delivered(a.endpoint, a.version, a.address, b.address, l4)
        ]
        for a in src
        for b in dst
        if a.endpoint is not b.endpoint and related(a, b) == own
    ]
    if not found:
        return None
    return any(map(any, found)), all(x and all(x) for x in found)


def imagined(world: World, src: list[Unit], dst: list[Unit], l4: L4) -> tuple[bool, bool]:
    """One more of either: as with oneself, and nodes without the exemption of their own pods."""
    a, b = src[0], dst[0]
    rules = tuple(
        r for r in world.policy.rules if not any(isinstance(m, OwnNode) for m in r.remote)
    )
    policy = replace(world.policy, rules=rules)
    if a.endpoint is not b.endpoint:
        free = World(world.network, Policy())
        if not any(
            got == y.endpoint.index
            for x in src
            for y in dst
            if x.endpoint is not y.endpoint
            for got in free.delivered(x.endpoint, x.version, x.address, y.address, l4)
        ):
            return False, False
    out = Packet(Direction.OUT, a.endpoint.index, a.version, b.address, b.endpoint.vrf, *l4)
    into = Packet(Direction.IN, b.endpoint.index, b.version, a.address, a.endpoint.vrf, *l4)
    passes = all(decide(policy, world.network, p).permit for p in (out, into))
    return passes, passes


def kinds(was: tuple[bool, bool], now: tuple[bool, bool]) -> Iterator[str]:
    if now[0] and not was[0]:
        yield "gained"
    if was[0] and not now[0]:
        yield "lost"
    if now[0] and was[1] and not now[1]:
        yield "unsteady"
    if was[0] and now[1] and not was[1]:
        yield "steady"


def way(
    world: World, members: list[Unit], ip: int | None, version: int, e: Endpoint | None, l4: L4,
    inward: bool,
) -> tuple[bool, bool]:  # fmt: skip
    """May and must between a class and an outside address that `e` owns."""
    if not members or ip is None or e is None or not outer(e):
        return False, False
    found = []
    for u in members:
        if inward:
            got = world.delivered(e, version, ip, u.address, l4)
            found.append([x == u.endpoint.index for x in got])
        else:
            got = world.delivered(u.endpoint, version, u.address, ip, l4)
            found.append([x == e.index for x in got])
    return any(map(any, found)), all(x and all(x) for x in found)


def across(
    world: World, src: int | None, dst: int | None, one: Endpoint | None, two: Endpoint | None,
    version: int, l4: L4,
) -> tuple[bool, bool]:  # fmt: skip
    """May and must between two outside addresses."""
    if src is None or dst is None or one is None or two is None or one is two:
        return False, False
    if not outer(one) or not outer(two):
        return False, False
    got = [x == two.index for x in world.delivered(one, version, src, dst, l4)]
    return any(got), bool(got) and all(got)
