"""frr: one `frr.conf` per BGP speaker, in integrated configuration, as FRR 8.4 and later take it.

A VRF is a device `vrf<VNI>`; ports have their fabric names. Blocks are announced by `network`
without an import check, because the routes to the workloads are not FRR's business. Targets of
offers ride on route-maps; FRR adds the VRF's own ones itself. A DPU announces only what it
originates (`^$`, as a route-map because EVPN takes no filter-list). Manual RDs never look like
FRR's automatic ones (see `fabric.plan.addressing`). What FRR does not do with routes of other VRFs
is a remark, and a comment beside the VRF.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from compiler.program.program import Program
from fabric.control.evpn import Type5Route
from fabric.control.fib import NextHop
from fabric.control.underlay import ECMP_WIDTH
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.io.visible import visible
from fabric.network import Network
from fabric.topology import Role

FAMILIES = {4: "ipv4", 6: "ipv6"}
SHOWN = 4


def nodes(program: Program) -> tuple[int, ...]:
    """Who gets a file: every BGP speaker, spines included."""
    return tuple(n.index for n in program.network.fabric.nodes if n.role is not Role.HOST)


def render(program: Program, node: int) -> str:
    """The configuration of one node."""
    return config(program.network, node)


def remarks(program: Program) -> tuple[Diagnostic, ...]:
    """Routes between VRFs, which no release of FRR imports as route targets say: RFC 4364 (4.3.5)
    means them, and so does the network."""
    network = program.network
    found: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for node, vrf, hop in _leaks(network, network.fib.instances):
        names = network.vrfs[vrf].name, network.vrfs[hop.vrf].name
        nodes_ = found[hop.vtep != node]
        nodes_[f"{names[1]} into {names[0]}"] = nodes_.get(f"{names[1]} into {names[0]}", 0) + 1
    said = (
        (
            "C866",
            "FRR (8.4 to 10.3) imports no route of another VRF on the same node by its target",
            "`import vrf` is its own way, which these files do not go; or keep the VRFs apart",
        ),
        (
            "C867",
            "FRR 8.4 sends by a route of another VRF with its own VRF's VNI, and 10.3 leaves that "
            "route inactive without a single VXLAN device",
            "only a VTEP that takes the VNI from the route (downstream VNI) does what is meant",
        ),
    )
    return tuple(
        Diagnostic(code, f"{text}: {_listed(leaks)}", None, hint, "warning")
        for (code, text, hint), leaks in zip(said, found, strict=True)
        if leaks
    )


def _leaks(
    network: Network, instances: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int, NextHop]]:
    """Next hops into another VRF, once per instance: node, VRF, next hop."""
    fib = network.fib
    for node, vrf in instances:
        chosen = fib.chosen[fib.instance(node, vrf)]
        numbers = sorted({number for number in chosen.tolist() if number >= 0})
        hops = {(hop.vtep == node, hop.vrf): hop for n in numbers for hop in fib.nexthop_sets[n]}
        yield from ((node, vrf, hop) for (_, of), hop in sorted(hops.items()) if of != vrf)


def _comments(network: Network, node: int, hops: Iterable[NextHop]) -> Iterator[str]:
    """What FRR does not do in a VRF as its targets say."""
    for hop in hops:
        what = (
            "FRR 8.4 to 10.3 do not import them from this very node"
            if hop.vtep == node
            else "needs downstream VNI: FRR 8.4 sends with its own VNI"
        )
        yield f"! routes of {network.vrfs[hop.vrf].name}: {what}"


def _listed(leaks: Mapping[str, int]) -> str:
    """The first few of them, and on how many nodes."""
    shown = [f"{what} on {count:,} node{'s' * (count > 1)}" for what, count in leaks.items()]
    more = f" and {len(shown) - SHOWN:,} more such pairs" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more


def config(network: Network, node: int) -> str:
    """As `render`; policies do not matter here. Raises `UndecidedError` where nodes have routes of
    several versions."""
    if network.fib.versions:
        message = "FRR configurations are those of one version of a network"
        raise UndecidedError(Diagnostic("C857", message, None, "write those of either", "unknown"))
    vrfs = [vrf for vtep, vrf in network.plan.instances if vtep == node]
    lines = [
        "frr defaults datacenter",
        f"hostname {network.fabric.nodes[node].name}",
        "service integrated-vtysh-config",
        "!",
    ]
    for vrf in vrfs:
        vni = network.vrfs[vrf].vni
        lines += [f"! vrf{vni} is {network.vrfs[vrf].name}", f"vrf vrf{vni}"]
        lines += [f" vni {vni}", "exit-vrf", "!"]
    if vrfs:
        lines += [*_hairpins(network, vrfs), "!"]
    lines += _underlay(network, node, bool(vrfs))
    routes = _own_routes(network, node)
    leaks: dict[int, list[NextHop]] = defaultdict(list)
    for _, vrf, hop in _leaks(network, ((node, vrf) for vrf in vrfs)):
        leaks[vrf].append(hop)
    for vrf in vrfs:
        lines += [*_comments(network, node, leaks[vrf]), *_vrf(network, node, vrf, routes[vrf])]
    return "".join(f"{visible(line)}\n" for line in (*lines, "end"))


def _hairpins(network: Network, vrfs: Iterable[int]) -> Iterator[str]:
    """What becomes of packets whose routes lead out of one tunnel into another."""
    permit = [network.vrfs[vrf] for vrf in vrfs if network.vrfs[vrf].hairpin]
    for vrf in permit:
        yield f"! vrf{vrf.vni} permits hairpins: out of a tunnel into it packets go on into others"
    others = "from one tunnel into another" + (" by another VRF" if permit else "")
    yield f"! no packet goes {others}: hairpin_drop of the ruleset"


def _underlay(network: Network, node: int, vtep: bool) -> Iterator[str]:
    """Unnumbered sessions on every port, for IPv4 loopbacks and EVPN."""
    own = network.fabric.nodes[node].role is Role.DPU
    yield from _process(network, node, "")
    yield " neighbor FABRIC peer-group"
    yield " neighbor FABRIC remote-as external"
    yield " neighbor FABRIC timers connect 1"
    for session in network.underlay.sessions:
        if session.node == node:
            yield f" neighbor {session.port} interface peer-group FABRIC"
    for family in ("ipv4 unicast", "l2vpn evpn"):
        yield " !"
        yield f" address-family {family}"
        if family == "ipv4 unicast":
            yield f"  network {network.plan.vtep(node)}/32"
            yield f"  maximum-paths {ECMP_WIDTH}"
        elif vtep:
            yield "  advertise-all-vni"
        yield "  neighbor FABRIC activate"
        if own:
            yield "  neighbor FABRIC route-map OWN out"
        yield " exit-address-family"
    yield "!"
    if own:
        yield from ("bgp as-path access-list OWN seq 5 permit ^$", "!")
        yield from ("route-map OWN permit 10", " match as-path OWN", "exit", "!")


def _process(network: Network, node: int, suffix: str) -> Iterator[str]:
    yield f"router bgp {network.plan.asn[node]}{suffix}"
    yield f" bgp router-id {network.plan.vtep(node)}"
    yield " no bgp default ipv4-unicast"
    yield " bgp bestpath as-path multipath-relax"
    yield " bgp bestpath compare-routerid"
    if node in network.fabric.drained:
        yield " bgp graceful-shutdown"


def _own_routes(network: Network, node: int) -> dict[int, list[Type5Route]]:
    """What a node originates, by VRF."""
    out: dict[int, list[Type5Route]] = defaultdict(list)
    for route in network.routes.of(node):
        out[route.vrf].append(route)
    return out


def _vrf(network: Network, node: int, vrf: int, routes: list[Type5Route]) -> Iterator[str]:
    """One VRF's BGP instance, its Type-5 export and import, and the route-maps that this needs."""
    vni = network.vrfs[vrf].vni
    offers = {*network.plan.intent_rt.values()}
    always = {network.plan.native_rt[vrf], *(rt for r in routes for rt in r.rts)} - offers
    yield from _process(network, node, f" vrf vrf{vni}")
    yield " no bgp network import-check"
    for version, family in FAMILIES.items():
        yield " !"
        yield f" address-family {family} unicast"
        for route in routes:
            if route.prefix.version == version:
                yield f"  network {route.prefix}"
        yield f"  maximum-paths {ECMP_WIDTH}"
        yield " exit-address-family"
    yield " !"
    yield " address-family l2vpn evpn"
    yield f"  rd {network.plan.rd[node, vrf]}"
    for version, family in FAMILIES.items():
        named = f" route-map OFFER-{vni}-{version}" if _extra(routes, version, always) else ""
        yield f"  advertise {family} unicast{named}"
    for rt in sorted(network.fib.imports[vrf]):
        yield f"  route-target import {rt}"
    for rt in sorted(always):
        yield f"  route-target export {rt}"
    yield " exit-address-family"
    yield "!"
    for version in FAMILIES:
        extra = _extra(routes, version, always)
        yield from _offers(vni, version, extra, network.plan.asn[node])


Extra = dict[tuple[tuple[str, ...], int], list[Type5Route]]


def _extra(routes: list[Type5Route], version: int, always: set[str]) -> Extra:
    """Routes with targets beyond the VRF's own, or with a longer AS path, by both."""
    out: Extra = defaultdict(list)
    for route in routes:
        rts = tuple(rt for rt in route.rts if rt not in always)
        if route.prefix.version == version and (rts or route.prepended):
            out[rts, route.prepended].append(route)
    return out


def _offers(vni: int, version: int, extra: Extra, asn: int) -> Iterator[str]:
    """A route-map that adds targets and own AS numbers by prefix and lets everything else pass as
    it is."""
    if not extra:
        return
    word = "ip" if version == 4 else "ipv6"
    name = f"OFFER-{vni}-{version}"
    for number, (_, routes) in enumerate(sorted(extra.items()), 1):
        for seq, route in enumerate(routes, 1):
            yield f"{word} prefix-list {name}-{number} seq {5 * seq} permit {route.prefix}"
    for number, ((rts, prepended), _) in enumerate(sorted(extra.items()), 1):
        yield f"route-map {name} permit {10 * number}"
        yield f" match {word} address prefix-list {name}-{number}"
        if rts:
            yield f" set extcommunity rt {' '.join(rts)}"
        if prepended:
            yield f" set as-path prepend {' '.join([str(asn)] * prepended)}"
        yield "exit"
    yield f"route-map {name} permit {10 * (len(extra) + 1)}"
    yield "exit"
    yield "!"
