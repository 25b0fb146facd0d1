"""The tables of one VTEP as plain values, `cloison/dpu-rules/1`; docs/formats.md describes it.

Everything is sorted and complete: two runs on the same input give the same values, and nothing that
a DPU needs is left out. Addresses are CIDR blocks, ports are inclusive ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from compiler.policy.domain import Domain
from compiler.policy.ir import Direction, Origin, Stage
from compiler.policy.stages import OR_FINAL, To, leads
from compiler.program.at_home import at_home, held, others
from compiler.program.dpu import Dpu, Instance, tables_of
from compiler.program.program import ANY_VRF, Entry, Group, Intervals, L4Range, Program, Region
from fabric.building.network import Network
from fabric.control.fib import NextHop, Route
from fabric.values.inventory import Endpoint, Vrf
from fabric.values.ports import ANY, NAMES

SCHEMA = "cloison/dpu-rules/1"


class Piece(dict[str, Any]):
    """A part of documents that nobody changes, with the texts that were made of it, by form."""

    __slots__ = ("texts",)

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.texts: dict[str, str] = {}

    def text(self, form: str, write: Callable[[dict[str, Any]], str]) -> str:
        """The piece as text of some form, written once."""
        if form not in self.texts:
            self.texts[form] = write(self)
        return self.texts[form]


class Pieces:
    """What the documents of a program's VTEPs have in common: groups, routes and mappings, each
    made once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._made: dict[tuple[int, int], tuple[Any, Piece]] = {}
        self._latest: tuple[int, dict[str, Any]] = -1, {}

    def latest(self, vtep: int) -> dict[str, Any]:
        """The document of a VTEP, which is kept until that of another one is asked for: its formats
        are written one after the other."""
        if self._latest[0] != vtep:
            self._latest = vtep, document(self._program, tables_of(self._program, vtep))
        return self._latest[1]

    def group(self, group: Group) -> Piece:
        """A group with its entries."""
        return self._once(-1, group, lambda: _group(self._program, group))

    def routes(self, instance: Instance) -> list[Piece]:
        """The routes of a VRF."""
        made, vrf = self._made, instance.vrf
        keys = [(vrf.index, id(route)) for route in instance.routes]
        for key, route in zip(keys, instance.routes, strict=True):
            if key not in made:
                made[key] = route, Piece(_route(self._program.network, vrf, route))
        return [made[key][1] for key in keys]

    def mapping(self, hop: NextHop) -> Piece:
        """How a next hop is reached."""
        return self._once(-1, hop, lambda: _mapping(self._program.network, hop))

    def _once(self, vrf: int, of: Any, make: Callable[[], dict[str, Any]]) -> Piece:
        """What is made of an object, which is kept, so that its id stays its own."""
        key = vrf, id(of)
        if key not in self._made:
            self._made[key] = of, Piece(make())
        return self._made[key][1]


def document(program: Program, dpu: Dpu) -> dict[str, Any]:
    """The document as plain values; its groups, routes and mappings are `Pieces`."""
    domain, network, pieces = program.domain, program.routed, program.once(Pieces)
    home = held(domain, dpu.endpoints)
    if network is not None:
        home = at_home(network, dpu.endpoints, home, dpu.vtep)
    return {
        "schema": SCHEMA,
        "fabric": domain.name,
        "node": dpu.name,
        "vtep": network.plan.vtep(dpu.vtep) if network else None,
        "tunnel_admit": [_admits(network, instance) for instance in dpu.instances if network],
        "endpoints": [
            {
                "name": endpoint.name,
                "vrf": domain.vrfs[endpoint.vrf].name,
                "addresses": [str(p) for p in endpoint.prefixes],
                **_except(endpoint, home[endpoint.index]),
                "state": endpoint.state,
                "out": [group.id for group in program.own(Direction.OUT, endpoint.index)],
                "in": [group.id for group in program.own(Direction.IN, endpoint.index)],
            }
            for endpoint in dpu.endpoints
        ],
        **_asked_for(domain, dpu),
        "groups": [pieces.group(group) for group in dpu.groups],
        "routes": [route for instance in dpu.instances for route in pieces.routes(instance)],
        "mappings": [pieces.mapping(hop) for hop in dpu.mappings],
    }


def _admits(network: Network, instance: Instance) -> dict[str, Any]:
    return {
        "vni": instance.vrf.vni,
        "vrf": instance.vrf.name,
        "outer_sources": [network.plan.vtep(vtep) for vtep in instance.admits],
        "hairpin": "permit" if instance.vrf.hairpin else "deny",
    }


def _except(endpoint: Endpoint, home: Mapping[int, Intervals]) -> dict[str, Any]:
    """What of an endpoint's prefixes it neither sends from nor gets anything at."""
    parts = (cidrs(others(endpoint, home, version), version) for version in (4, 6))
    found = [text for part in parts for text in part]
    return {"except": found} if found else {}


def _asked_for(domain: Domain, dpu: Dpu) -> dict[str, Any]:
    """Endpoints, here or elsewhere, for which this VTEP asks groups as the peer or as a border."""
    rows = [
        {
            "name": endpoint.name,
            "vrf": domain.vrfs[endpoint.vrf].name,
            "addresses": [str(p) for p in endpoint.prefixes],
            "out": [group.id for group in groups if group.direction is Direction.OUT],
            "in": [group.id for group in groups if group.direction is Direction.IN],
        }
        for endpoint, groups in dpu.asked_for
    ]
    return {"asked_for": rows} if rows else {}


def _route(network: Network, vrf: Vrf, route: Route) -> dict[str, Any]:
    return {
        "vrf": vrf.name,
        "prefix": str(route.prefix),
        "next_hops": [
            {
                "vtep": network.plan.vtep(hop.vtep),
                "vni": hop.vni,
                "remote_vrf": network.vrfs[hop.vrf].name,
            }
            for hop in route.nexthops
        ],
        "reason": route.reason,
    }


def _mapping(network: Network, hop: NextHop) -> dict[str, Any]:
    return {"vtep": network.plan.vtep(hop.vtep), "vni": hop.vni, "router_mac": hop.router_mac}


def _group(program: Program, group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "stage": group.stage.label,
        "direction": group.direction.name.lower(),
        "entries": [_entry(program, group, entry) for entry in group.entries],
        "default": _entry(program, group, group.default_entry),
        **_skips(program, group.stage),
    }


def _skips(program: Program, stage: Stage) -> dict[str, Any]:
    """The stages that permits of a stage skip, where it has other permits than most."""
    if set(stage.does) <= set(OR_FINAL):
        return {}
    place, goes = program.stages.index(stage), leads(program.stages)
    skipped = {
        does.label: [s.label for s in program.stages[place + 1 : goes[place][does.action]]]
        for does in stage.does
        if does.to is not To.DROP
    }
    return {"skips": skipped}


def _entry(program: Program, group: Group, entry: Entry) -> dict[str, Any]:
    besides = {"conditions": list(entry.conditions)} if entry.conditions else {}
    return {
        "id": entry.id,
        "order": entry.order,
        "remote": [_remote(program.domain, region) for region in entry.regions],
        "l4": [_l4(l4) for l4 in entry.l4],
        "action": group.stage.doing(entry.action).label,
        "origin": _origin(program.origins[entry.origin]),
        **besides,
        **group.at.beside,
    }


def _remote(domain: Domain, region: Region) -> dict[str, Any]:
    return {
        "vrf": "any" if region.vrf == ANY_VRF else domain.vrfs[region.vrf].name,
        "prefixes": [*cidrs(region.v4, 4), *cidrs(region.v6, 6)],
    }


@lru_cache(2**14)
def cidrs(intervals: Intervals, version: int) -> tuple[str, ...]:
    """Intervals as the fewest CIDR blocks.

    >>> cidrs(((1, 4),), 4)
    ('0.0.0.1/32', '0.0.0.2/31', '0.0.0.4/32')
    """
    width, kind = (32, IPv4Address) if version == 4 else (128, IPv6Address)
    found = []
    for low, high in intervals:
        while low <= high:
            aligned = (low & -low).bit_length() - 1 if low else width
            bits = min(aligned, (high - low + 1).bit_length() - 1)
            found.append(f"{kind(low)}/{width - bits}")
            low += 1 << bits
    return tuple(found)


def _l4(l4: L4Range) -> dict[str, Any]:
    protocol = "any" if l4.protocol == ANY else NAMES.get(l4.protocol, str(l4.protocol))
    out: dict[str, Any] = {"protocol": protocol}
    if l4.sport != (0, 65535):
        out["source_ports"] = list(l4.sport)
    if l4.dport != (0, 65535):
        out["ports"] = list(l4.dport)
    if l4.fields:
        out["fields"] = [[limit.name, limit.first, limit.last] for limit in l4.fields]
    return out


def _origin(origin: Origin) -> dict[str, Any]:
    return {
        "kind": origin.kind,
        "name": origin.name,
        "rule": origin.rule,
        "at": str(origin.span) if origin.span else None,
    }
