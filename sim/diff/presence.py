"""Who is in one world only, or there with other members: notes beside what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from fabric.building.network import Network
from sim.diff.merged import display, status
from sim.diff.peers import Peer
from sim.diff.side_by_side import Side, Sides
from sim.diff.stood_for import is_outside


@dataclass(frozen=True, slots=True)
class MemberChange:
    """`kind` is new, removed, scaled (`old` and `new` are numbers of members), replaced (other
    members, as many) or moved (a zone endpoint with other addresses)."""

    kind: str
    name: str
    old: int = 0
    new: int = 0
    detail: str = ""


def presences(
    sides: Sides, old: Network, new: Network, moved: Mapping[tuple[str, int, int], int]
) -> Iterator[MemberChange]:
    """Every peer and zone endpoint whose members differ, sorted."""
    here, there = _members(sides.old), _members(sides.new)
    for peer in sorted(here.keys() | there.keys()):
        was, now = here.get(peer, set()), there.get(peer, set())
        name = display(peer, was | now)
        if was and now:
            if len(was) != len(now):
                yield MemberChange("scaled", name, len(was), len(now))
            elif was != now:
                yield MemberChange("replaced", name, len(was), len(now))
        else:
            yield MemberChange(status(sides, peer), name, len(was), len(now))
    zones = [{e.name for e in network.endpoints if is_outside(e)} for network in (old, new)]
    for name in sorted(zones[0] ^ zones[1]):
        yield MemberChange("new" if name in zones[1] else "removed", name, *_one(name, zones))
    owner: dict[tuple[str, int, int], str] = {
        (new.vrfs[e.vrf].name, p.version, int(p.network_address)): e.name
        for e in new.endpoints
        if is_outside(e)
        for p in e.prefixes
    }
    for (vrf, version, before), after in sorted(moved.items()):
        make = IPv4Address if version == 4 else IPv6Address
        detail = f"{make(before)} to {make(after)}"
        yield MemberChange("moved", owner[vrf, version, after], 1, 1, detail)
    tenants = [{v.tenant for v in network.vrfs} for network in (old, new)]
    named = {p.name.partition("/")[0] for p in here.keys() | there.keys()}
    for tenant in sorted((tenants[0] ^ tenants[1]) - named):
        yield MemberChange(
            "new" if tenant in tenants[1] else "removed", tenant, *_one(tenant, tenants)
        )


def _one(name: str, sides: list[set[str]]) -> tuple[int, int]:
    return int(name in sides[0]), int(name in sides[1])


def _members(side: Side) -> dict[Peer, set[str]]:
    out: dict[Peer, set[str]] = {}
    for one in side.classes:
        out.setdefault(one.peer, set()).update(unit.name for unit in one.units)
    return out
