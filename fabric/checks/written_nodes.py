"""Nodes and cables that are written down: they can be wired, their numbers can be used, and routes
pass where a cable is."""

from __future__ import annotations

from fabric.checks.known_names import KnownNames
from fabric.checks.numbers import usable
from fabric.diagnostics import Diagnostics, InputError
from fabric.file.spec import FabricSpec
from fabric.plan.addressing import asn_key, written_by_name
from fabric.wiring.cable_ends import ends_of, told_ends
from fabric.wiring.clos import wired
from fabric.wiring.multigraph import Attributes, Multigraph
from fabric.wiring.seen_cables import OneCable
from fabric.wiring.topology import Node, Role
from fabric.wiring.written_wiring import WrittenPlaces, lonely


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """What is written down can be wired (`fabric.wiring.written_wiring`)."""
    if not any(site.nodes or site.cables for site in spec.sites.values()):
        return
    numbers_of_nodes(spec, found)
    in_two_sites(spec, found)
    tiers = written_tiers(spec)
    for site_name, site in spec.sites.items():
        for name in tiers & site.nodes.keys():
            what = f'"{name}" is what spines that share an AS number are called together'
            span = spec.at_key("sites", site_name, "nodes", name)
            found.error("C346", what, span, "call the node otherwise")
    try:
        whole = wired(spec)
        one_as(spec, whole, found)
        capitals(spec, whole, found)
        for name, span in lonely(spec, whole):
            found.warn("C349", f"{name} is cabled to no switch, so nobody reaches it", span)
    except InputError as error:
        found.items += [d for d in error.diagnostics if d not in found.items]


def in_two_sites(spec: FabricSpec, found: Diagnostics) -> None:
    """C347: cables that may be what another site has written already. As two they would be a way
    that nobody has."""
    seen: dict[frozenset[str], list[tuple[str, OneCable]]] = {}
    for site, settings in spec.sites.items():
        for number, cable in enumerate(settings.cables):
            path = "sites", site, "cables", number
            ends = None if path in spec._elsewhere else ends_of(cable)[1]
            if ends is None:
                continue
            known = seen.setdefault(frozenset(name for name, _ in ends), [])
            for where, other in known:
                if where != site and other.fits(ends):
                    what = f'{told_ends(ends)} may be a cable that site "{where}" has'
                    at = f"; the other one: {other.span}" if other.span else ""
                    hint = f"remove either, or say the ports of both{at}"
                    found.error("C347", what, spec.at(*path), hint)
                    break
            known.append((site, OneCable(ends, None, spec.at(*path))))


def one_as(spec: FabricSpec, whole: Multigraph, found: Diagnostics) -> None:
    """C354: cables of which neither end takes the other's routes."""
    own = {n: node.asn for n, node in written_by_name(spec) if node.asn is not None}
    own |= spec.pins.asn
    shared = {n: at for n, node in whole.nodes.items() if (at := tier(spec, n, node)) is not None}
    numbers = {n: own.get(n, own.get(shared.get(n, ""), shared.get(n, n))) for n in whole.nodes}
    places = WrittenPlaces.of(spec)
    for a, b, name, data in whole.edges():
        if data["kind"] != "host" and numbers[a] == numbers[b]:
            span = places.span(a) or places.span(b)
            what = f"{name} joins two nodes of one AS, which take no routes from each other"
            found.warn("C354", what, span, "write asn: at one of them, or pod: where spines differ")


def capitals(spec: FabricSpec, whole: Multigraph, found: Diagnostics) -> None:
    """C355: names that some file systems take for one."""
    places, seen = WrittenPlaces.of(spec), dict[str, str]()
    for name in whole.nodes:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            what = f"{other} and {name} differ in capitals alone"
            hint = "files of nodes are one where a file system does not tell capitals apart"
            found.warn("C355", what, places.span(name) or places.span(other), hint)


def tier(spec: FabricSpec, name: str, data: Attributes) -> str | None:
    """What spines that share an AS number are called together."""
    node = Node(0, name, Role(data["role"]), data["site"], data["pod"])
    key = asn_key(node, spec.prefix_of(node.site))
    return key if node.role in (Role.SPINE, Role.SUPERSPINE) else None


def written_tiers(spec: FabricSpec) -> set[str]:
    """The same of all that are written down."""
    found = set()
    for site_name, site in spec.sites.items():
        for name, node in site.nodes.items():
            data = {"role": node.role, "site": site_name, "pod": node.pod}
            if node.asn is None:
                found.add(tier(spec, name, data))
    return {key for key in found if key is not None}


def numbers_of_nodes(spec: FabricSpec, found: Diagnostics) -> None:
    """AS numbers and loopbacks of nodes that are written down: readable, said once, and loopbacks
    one node's alone."""
    owner = {text: key for key, text in spec.pins.loopback.items()}
    for site_name, site in spec.sites.items():
        for name, node in site.nodes.items():
            at = "sites", site_name, "nodes", name
            for key, pins in (("asn", spec.pins.asn), ("loopback", spec.pins.loopback)):
                if getattr(node, key) is not None and name in pins:
                    what = f"the {key} of {name} is pinned, and written where the node is"
                    found.error("C428", what, spec.at(*at, key), "remove either")
            if node.asn is not None and not usable(node.asn):
                what = f"{node.asn} is no AS number that a node may use"
                found.error("C436", what, spec.at(*at, "asn"))
            other = owner.setdefault(node.loopback, name) if node.loopback else name
            if other != name:
                what = f"{other} has that loopback already"
                found.error("C428", what, spec.at(*at, "loopback"), "each node has its own")
