"""frr: one `frr.conf` per BGP speaker, in integrated configuration, for a release of FRR.

A VRF is a device `vrf<VNI>`; ports have their fabric names; `linux` sets both up (`linux10` for
`frr10`). Blocks are announced by `network` without an import check, because the routes to the
workloads are not FRR's business. Targets of offers ride on route-maps; FRR adds the VRF's own ones
itself. A DPU announces only what it originates (`^$`, as a route-map because EVPN takes no
filter-list). Manual RDs never look like FRR's automatic ones (see `fabric.plan.addressing`). Routes
of other VRFs on the same node come in by `vrf_leaks`; what a release does not do with those of
other nodes is a remark, and a comment beside the VRF. The format `frr` is for 8.4 and what comes
after, `frr10` for 10.3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from compiler.program.program import Program
from compiler.targets.hosts.port_names import ports_of
from compiler.targets.hosts.releases import FRR_8_4, FRR_10_3, Release
from compiler.targets.hosts.vrf_leaks import (
    FAMILIES,
    WORDS,
    VrfLeak,
    imports,
    leaks_at,
    second_of_several,
    statics,
)
from fabric.building.network import Network
from fabric.control.bgp_sessions import Session
from fabric.control.evpn import Type5Route
from fabric.control.fib import NextHop
from fabric.control.path_tables import ECMP_WIDTH
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.io.visible import visible
from fabric.wiring.topology import Role

SHOWN = 4


@dataclass(frozen=True, slots=True)
class Frr:
    """The format of one release."""

    release: Release

    def nodes(self, program: Program) -> tuple[int, ...]:
        """Who gets a file: every BGP speaker, spines included."""
        return tuple(n.index for n in program.network.fabric.nodes if n.role is not Role.HOST)

    def render(self, program: Program, node: int, /) -> str:
        """The configuration of one node."""
        return config(program.network, node, self.release, program.once(_sessions).get(node, ()))

    def remarks(self, program: Program) -> tuple[Diagnostic, ...]:
        """What this release does not do with routes between VRFs as the network means it."""
        return remarks(program.network, self.release)


def _sessions(program: Program) -> dict[int, list[Session]]:
    """Ends of sessions by node."""
    found: dict[int, list[Session]] = {}
    for session in program.network.underlay.sessions:
        found.setdefault(session.node, []).append(session)
    return found


def for_frr_8() -> Frr:
    """The format `frr`."""
    return Frr(FRR_8_4)


def for_frr_10() -> Frr:
    """The format `frr10`."""
    return Frr(FRR_10_3)


def remarks(network: Network, release: Release) -> tuple[Diagnostic, ...]:
    """As `Frr.remarks`: RFC 4364 (4.3.5) has no node where routes between VRFs do not count, and so
    has the network."""
    near: dict[str, int] = defaultdict(int)
    far: dict[str, int] = defaultdict(int)
    for node in {vtep for vtep, _ in network.plan.instances} if not release.leaks_networks else ():
        for leak in leaks_at(network, node):
            if second_of_several(network, leak):
                near[_pair(network, leak.exporter, leak.importer)] += 1
    for node, vrf, hop in _leaks(network, network.fib.instances):
        if hop.vtep != node and release.other_vnis:
            far[_pair(network, hop.vrf, vrf)] += 1
    said = (
        (
            "C866",
            "takes the second choice of another node before that of the node's own in another VRF",
            "keep the VRFs apart, or write for a release in which `import vrf` takes these routes",
            near,
        ),
        (
            "C867",
            release.other_vnis,
            "only a VTEP that takes the VNI from the route (downstream VNI) does what is meant",
            far,
        ),
    )
    return tuple(
        Diagnostic(code, f"FRR {release.name} {text}: {_listed(found)}", None, hint, "warning")
        for code, text, hint, found in said
        if found
    )


def _pair(network: Network, exporter: int, importer: int) -> str:
    return f"{network.vrfs[exporter].name} into {network.vrfs[importer].name}"


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


def _comments(network: Network, release: Release, hops: Iterable[NextHop]) -> Iterator[str]:
    """What FRR does not do in a VRF as its targets say."""
    for hop in hops:
        yield (
            f"! routes of {network.vrfs[hop.vrf].name} from other nodes need downstream VNI: "
            f"FRR {release.name} {release.other_vnis}"
        )


def _listed(leaks: Mapping[str, int]) -> str:
    """The first few of them, and on how many nodes."""
    shown = [f"{what} on {count:,} node{'s' * (count > 1)}" for what, count in leaks.items()]
    more = f" and {len(shown) - SHOWN:,} more such pairs" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more


def config(
    network: Network,
    node: int,
    release: Release = FRR_8_4,
    sessions: Sequence[Session] | None = None,
) -> str:
    """As `Frr.render`, of a node with these ends of sessions, if who asks knows them; policies do
    not matter here. Raises `UndecidedError` where nodes have routes of several versions,
    `InputError` C869 where a port's name is none of an interface."""
    if sessions is None:
        sessions = [*network.underlay.ends.at(node)]
    if network.fib.versions:
        message = "FRR configurations are those of one version of a network"
        raise UndecidedError(Diagnostic("C857", message, None, "write those of either", "unknown"))
    ports_of(network, node)  # FRR knows interfaces, and nothing of others
    vrfs = network.plan.vrfs_at(node)
    lines = [
        *([] if release is FRR_8_4 else [f"! for FRR {release.name}"]),
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
    leaks: dict[int, list[VrfLeak]] = defaultdict(list)
    for leak in leaks_at(network, node):
        leaks[leak.importer].append(leak)
    for vrf in () if release.leaks_networks else leaks:
        lines += statics(network, vrf, leaks[vrf])
    lines += _underlay(network, node, sessions, bool(vrfs))
    routes = _own_routes(network, node)
    far: dict[int, dict[int, NextHop]] = defaultdict(dict)
    for _, vrf, hop in _leaks(network, ((node, vrf) for vrf in vrfs)):
        if hop.vtep != node and release.other_vnis:
            far[vrf][hop.vrf] = hop
    for vrf in vrfs:
        taken = leaks.get(vrf, []) if release.leaks_networks else []
        lines += _comments(network, release, far[vrf].values())
        lines += _vrf(network, node, vrf, routes[vrf], taken)
    for vrf in leaks if release.leaks_networks else ():
        lines += imports(network, node, leaks[vrf])
    return "".join(f"{visible(line)}\n" for line in (*lines, "end"))


def _hairpins(network: Network, vrfs: Iterable[int]) -> Iterator[str]:
    """What becomes of packets whose routes lead out of one tunnel into another."""
    permit = [network.vrfs[vrf] for vrf in vrfs if network.vrfs[vrf].hairpin]
    for vrf in permit:
        yield f"! vrf{vrf.vni} permits hairpins: out of a tunnel into it packets go on into others"
    others = "from one tunnel into another" + (" by another VRF" if permit else "")
    yield f"! no packet goes {others}: hairpin_drop of the ruleset"


def _underlay(
    network: Network, node: int, sessions: Sequence[Session], vtep: bool
) -> Iterator[str]:
    """Unnumbered sessions on every port, for IPv4 loopbacks and EVPN."""
    own = network.fabric.nodes[node].role is Role.DPU
    speed = network.underlay.speeds
    maps = (
        {s.port: f"{'OWN' if own else 'SPEED'}-{speed[s.link]}" for s in sessions} if speed else {}
    )
    if speed:
        yield from _bandwidths({maps[s.port]: speed[s.link] for s in sessions}, own)
    yield from _process(network, node, "")
    yield " neighbor FABRIC peer-group"
    yield " neighbor FABRIC remote-as external"
    yield " neighbor FABRIC timers connect 1"
    for session in sessions:
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
        if family == "ipv4 unicast":
            yield from (f"  neighbor {port} route-map {name} out" for port, name in maps.items())
        yield " exit-address-family"
    yield "!"
    if own:
        yield from ("bgp as-path access-list OWN seq 5 permit ^$", "!")
        yield from ("route-map OWN permit 10", " match as-path OWN", "exit", "!")


def _bandwidths(maps: Mapping[str, int], own: bool) -> Iterator[str]:
    """Route-maps that tell the speed of a link to whoever is at its other end, which is that one's
    own speed to here. FRR 8.4 weighs by what it receives, and not by what a map sets on arrival;
    and it sends to another AS only what is transitive."""
    yield "! link bandwidth is in Gbit/s here: FRR takes up to 25600, and ratios alone count"
    for name, speed in sorted(maps.items()):
        yield f"route-map {name} permit 10"
        if own:
            yield " match as-path OWN"
        yield from (f" set extcommunity bandwidth {speed}", "exit", "!")


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


def _vrf(
    network: Network, node: int, vrf: int, routes: list[Type5Route], leaks: Sequence[VrfLeak]
) -> Iterator[str]:
    """One VRF's BGP instance, its Type-5 export and import, and the route-maps that this needs."""
    vni, asn = network.vrfs[vrf].vni, network.plan.asn[node]
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
        mapped = leaks or _extra(routes, version, always)
        named = f" route-map OFFER-{vni}-{version}" if mapped else ""
        yield f"  advertise {family} unicast{named}"
    for rt in sorted(network.fib.imports[vrf]):
        yield f"  route-target import {rt}"
    for rt in sorted(always):
        yield f"  route-target export {rt}"
    yield " exit-address-family"
    yield "!"
    for version in FAMILIES:
        extra = _extra(routes, version, always)
        own = [r for r in routes if r.prefix.version == version] if leaks else None
        yield from _offers(vni, version, extra, asn, own)


Extra = dict[tuple[tuple[str, ...], int], list[Type5Route]]


def _extra(routes: list[Type5Route], version: int, always: set[str]) -> Extra:
    """Routes with targets beyond the VRF's own, or with a longer AS path, by both."""
    out: Extra = defaultdict(list)
    for route in routes:
        rts = tuple(rt for rt in route.rts if rt not in always)
        if route.prefix.version == version and (rts or route.prepended):
            out[rts, route.prepended].append(route)
    return out


def _offers(
    vni: int, version: int, extra: Extra, asn: int, own: list[Type5Route] | None
) -> Iterator[str]:
    """A route-map that adds targets and own AS numbers by prefix and lets everything else pass as
    it is; where other VRFs' routes come in, `own` is everything that may pass."""
    if not extra and own is None:
        return
    word = WORDS[version]
    name = f"OFFER-{vni}-{version}"
    for number, (_, routes) in enumerate(sorted(extra.items()), 1):
        yield from _prefix_list(f"{name}-{number}", version, routes)
    yield from _prefix_list(f"{name}-own", version, own or ())
    for number, ((rts, prepended), _) in enumerate(sorted(extra.items()), 1):
        yield f"route-map {name} permit {10 * number}"
        yield f" match {word} address prefix-list {name}-{number}"
        if rts:
            yield f" set extcommunity rt {' '.join(rts)}"
        if prepended:
            yield f" set as-path prepend {' '.join([str(asn)] * prepended)}"
        yield "exit"
    yield f"route-map {name} {'permit' if own or own is None else 'deny'} {10 * (len(extra) + 1)}"
    if own:
        yield f" match {word} address prefix-list {name}-own"
    yield "exit"
    yield "!"


def _prefix_list(name: str, version: int, routes: Iterable[Type5Route]) -> Iterator[str]:
    for seq, route in enumerate(routes, 1):
        yield f"{WORDS[version]} prefix-list {name} seq {5 * seq} permit {route.prefix}"
