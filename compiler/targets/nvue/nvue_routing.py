"""The routing of a VTEP in NVUE: BGP, EVPN, static routes, and the route maps that these need, as a
tree of plain values. It says what `frr` says of the same node, in the words of NVUE.

* Workloads are reached by static routes over the interfaces to them. Blocks that nobody has as a
  whole are static routes into nothing, so that BGP has what it announces (`network`).
* Targets of offers ride on a route map, one to a rule, as NVUE has it (`set ext-community-rt`); a
  rule goes on with the next one (`exit-policy next-rule`), and FRR adds each to what is there.
* Routes of another VRF of the node come in by `route-import from-vrf`, as exactly those that route
  targets let in; what came in is not announced again.
* A node announces only what it originates (an empty AS path).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from compiler.targets.hosts.vrf_leaks import FAMILIES, VrfLeak, leaks_at
from fabric.building.network import Network
from fabric.control.evpn import Type5Route
from fabric.control.path_tables import ECMP_WIDTH
from fabric.values.inventory import Endpoint, Prefix

Tree = dict[str, Any]
ON: Tree = {"enable": "on"}
PERMIT: Tree = {"permit": {}}
NEXT: Tree = {"permit": {"exit-policy": {"next-rule": {}}}}
LAST = 65_535


def vrf_name(network: Network, vrf: int) -> str:
    """What a VRF is called on devices."""
    return f"vrf{network.vrfs[vrf].vni}"


def underlay(network: Network, node: int, uplinks: Sequence[str]) -> Tree:
    """The global table: unnumbered sessions for IPv4 loopbacks and EVPN."""
    out = {"policy": {"outbound": {"route-map": "OWN"}}}
    family = {"enable": "on", **out}
    return {
        "router": {
            "bgp": {
                **ON,
                "address-family": {
                    "ipv4-unicast": {
                        **ON,
                        "multipaths": {"ebgp": ECMP_WIDTH},
                        "network": {f"{network.plan.vtep(node)}/32": {}},
                    },
                    "l2vpn-evpn": ON,
                },
                "neighbor": {
                    name: {"peer-group": "fabric", "type": "unnumbered"} for name in uplinks
                },
                "path-selection": {"multipath": {"aspath-ignore": "on"}},
                "peer-group": {
                    "fabric": {
                        "address-family": {"ipv4-unicast": family, "l2vpn-evpn": family},
                        "remote-as": "external",
                    }
                },
            }
        }
    }


class NodeRouting:
    """VRFs of a node, and what they put below `router policy`."""

    def __init__(self, network: Network, node: int) -> None:
        self.network, self.node = network, node
        self.policy: Tree = {
            "as-path-list": {"OWN": {"rule": {"10": {"action": "permit", "aspath-exp": "^$"}}}},
            "prefix-list": {},
            "route-map": {
                "OWN": {"rule": {"10": {"action": PERMIT, "match": {"as-path-list": "OWN"}}}}
            },
        }
        self.routes: dict[int, list[Type5Route]] = defaultdict(list)
        for route in network.routes.of(node):
            self.routes[route.vrf].append(route)
        self.leaks: dict[int, list[VrfLeak]] = defaultdict(list)
        for leak in leaks_at(network, node):
            self.leaks[leak.importer].append(leak)

    def vrf(self, vrf: int, ends: Iterable[tuple[Endpoint, str]]) -> Tree:
        """One VRF, with its endpoints and the interfaces to them."""
        network, routes = self.network, self.routes[vrf]
        offers = {*network.plan.intent_rt.values()}
        always = {network.plan.native_rt[vrf], *(rt for r in routes for rt in r.rts)} - offers
        families = {
            f"{family}-unicast": self._family(vrf, version, always)
            for version, family in FAMILIES.items()
        }
        bgp = {
            **ON,
            "address-family": families,
            "autonomous-system": network.plan.asn[self.node],
            "rd": network.plan.rd[self.node, vrf],
            "route-export": {
                "to-evpn": {"route-target": {target: {} for target in sorted(always)}}
            },
            "route-import": {
                "from-evpn": {
                    "route-target": {target: {} for target in sorted(network.fib.imports[vrf])}
                }
            },
            "router-id": network.plan.vtep(self.node),
        }
        evpn = {**ON, "vni": {str(network.vrfs[vrf].vni): {}}}
        return {"evpn": evpn, "router": {"bgp": bgp, "static": self._statics(vrf, ends)}}

    def _statics(self, vrf: int, ends: Iterable[tuple[Endpoint, str]]) -> Tree:
        """Ways to endpoints, and blocks of which nobody has all."""
        out: dict[Prefix, Tree] = {}
        for end, interface in ends:
            for prefix in end.prefixes:
                out.setdefault(prefix, {interface: {"type": "interface"}})
        for route in self.routes[vrf]:
            out.setdefault(route.prefix, {"blackhole": {"type": "blackhole"}})
        order = sorted(out, key=lambda p: (p.version, int(p.network_address), p.prefixlen))
        return {
            str(prefix): {"address-family": f"ipv{prefix.version}-unicast", "via": out[prefix]}
            for prefix in order
        }

    def _family(self, vrf: int, version: int, always: set[str]) -> Tree:
        """A family of a VRF: what it announces, and what it takes of other VRFs here."""
        mine = [route for route in self.routes[vrf] if route.prefix.version == version]
        leaks = [
            VrfLeak(
                leak.importer,
                leak.exporter,
                tuple(r for r in leak.routes if r.prefix.version == version),
            )
            for leak in self.leaks.get(vrf, ())
        ]
        leaks = [leak for leak in leaks if leak.routes]
        out: Tree = {**ON, "multipaths": {"ebgp": ECMP_WIDTH}}
        if mine:
            out["network"] = {str(route.prefix): {} for route in mine}
        export: Tree = dict(ON)
        if name := self._offers(vrf, version, mine, always, bool(leaks)):
            export["route-map"] = name
        out["route-export"] = {"to-evpn": export}
        if leaks:
            name = f"LEAK-{self.network.vrfs[vrf].vni}-{version}"
            names: Tree = {vrf_name(self.network, leak.exporter): {} for leak in leaks}
            self._leak_map(name, version, leaks)
            out["route-import"] = {"from-vrf": {**ON, "list": names, "route-map": name}}
        return out

    def _offers(
        self, vrf: int, version: int, mine: Sequence[Type5Route], always: set[str], only: bool
    ) -> str:
        """The name of the map that adds targets and own AS numbers by prefix, where one is needed;
        with `only` nothing passes but the node's own routes."""
        by_target: dict[str, list[Prefix]] = defaultdict(list)
        by_length: dict[int, list[Prefix]] = defaultdict(list)
        for route in mine:
            for target in route.rts:
                if target not in always:
                    by_target[target].append(route.prefix)
            if route.prepended:
                by_length[route.prepended].append(route.prefix)
        if not (by_target or by_length or only):
            return ""
        name = f"OFFER-{self.network.vrfs[vrf].vni}-{version}"
        asn = str(self.network.plan.asn[self.node])
        sets: list[tuple[list[Prefix], Tree]] = [
            (prefixes, {"ext-community-rt": target})
            for target, prefixes in sorted(by_target.items())
        ]
        sets += [
            (prefixes, {"as-path-prepend": {"as": ",".join([asn] * length)}})
            for length, prefixes in sorted(by_length.items())
        ]
        rules: Tree = {}
        for number, (prefixes, change) in enumerate(sets, 1):
            match = self._match(f"{name}-{number}", version, prefixes)
            rules[str(number)] = {"action": NEXT, "match": match, "set": change}
        last: Tree = {"action": PERMIT if mine or not only else {"deny": {}}}
        if only and mine:
            last["match"] = self._match(f"{name}-own", version, [r.prefix for r in mine])
        rules[str(LAST)] = last
        self.policy["route-map"][name] = {"rule": rules}
        return name

    def _leak_map(self, name: str, version: int, leaks: Sequence[VrfLeak]) -> None:
        """What is in no list of its VRF does not come in; what comes in has no weight and the AS
        path of its route (`vrf_leaks`)."""
        rules: Tree = {}
        asn = str(self.network.plan.asn[self.node])
        for leak in leaks:
            for length in sorted({route.prepended for route in leak.routes}):
                number = len(rules) + 1
                mine = [r.prefix for r in leak.routes if r.prepended == length]
                match = self._match(f"{name}-{number}", version, mine)
                match["source-vrf"] = vrf_name(self.network, leak.exporter)
                change: Tree = {"weight": 0}
                if length:
                    change["as-path-prepend"] = {"as": ",".join([asn] * length)}
                rules[str(number)] = {"action": PERMIT, "match": match, "set": change}
        self.policy["route-map"][name] = {"rule": rules}

    def _match(self, name: str, version: int, prefixes: Iterable[Prefix]) -> Tree:
        """The condition to be one of some prefixes, and the list of these."""
        rules = {
            str(number): {"action": "permit", "match": {str(prefix): {}}}
            for number, prefix in enumerate(prefixes, 1)
        }
        self.policy["prefix-list"][name] = {"rule": rules, "type": f"ipv{version}"}
        return {"ip-prefix-list": name, "type": f"ipv{version}"}
