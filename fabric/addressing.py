"""The plan: every number that the control plane needs, drawn once and then kept.

Rules that hold here:

1. ASNs as RFC 7938 §5.2 has them: one for the spines of a site or pod, one for the superspines of a
   site, one per leaf and border, one per DPU.
2. RDs are type 1, loopback:index. The index is the VNI where it fits in 16 bits, else one drawn
   from 32768 up. Small indices are FRR's own (it counts VRFs), so they are never used.
3. A VRF's native route target is `rt_asn:VNI`. Every side of an intent has one of its own, from
   `rt_asn:40000` up: offers are narrower than VRFs, and import is decided by route targets only.
4. A router MAC belongs to one (VTEP, VRF): it is how the egress side tells VRFs apart (RFC 9135).
5. Everything here can be pinned, and what is drawn goes to the lock file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from fabric.diagnostics import Diagnostics
from fabric.draws import Draws, Ledger
from fabric.inventory import Prefix, Vrf
from fabric.pools import host_addresses, macs, numbers
from fabric.spec import FabricSpec
from fabric.topology import RANK, Fabric, Node, Role

FIRST_RD, LAST_RD = 1024, 65535
FIRST_DRAWN_RD = 32768
FIRST_INTENT_RT = 40000
Instance = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers by node index, by VRF index, or by instance: a (VTEP, VRF) pair.

    `loopback` holds IPv4 addresses as integers; hosts have ASN 0 and loopback 0. `blocks` maps
    (host name, VRF) to what the host owns there. `intent_rt` maps `Offer.key` to a route target.
    """

    asn: tuple[int, ...]
    loopback: tuple[int, ...]
    instances: tuple[Instance, ...]
    rd: Mapping[Instance, str]
    router_mac: Mapping[Instance, str]
    native_rt: tuple[str, ...]
    intent_rt: Mapping[str, str]
    blocks: Mapping[tuple[str, int], tuple[Prefix, ...]]

    def vtep(self, node: int) -> str:
        """A node's loopback as text: its router-id and, on a VTEP, the tunnel's outer address."""
        return str(IPv4Address(self.loopback[node]))


def plan(
    spec: FabricSpec,
    fabric: Fabric,
    vrfs: Sequence[Vrf],
    instances: Iterable[Instance],
    offers: Iterable[str],
    blocks: Mapping[tuple[str, int], tuple[Prefix, ...]],
    draws: Draws,
) -> Plan:
    """Draw what is not pinned or locked; `offers` are the keys of the intents' offers."""
    problems = Diagnostics()
    places = tuple(sorted(instances))
    asn = asns(spec, fabric, draws, problems)
    loopback = loopbacks(spec, fabric, draws, problems)
    out = Plan(
        asn,
        loopback,
        places,
        rds(spec, fabric, vrfs, loopback, places, draws),
        router_macs(spec, fabric, vrfs, places, draws, problems),
        *route_targets(spec, vrfs, offers, draws, problems),
        blocks,
    )
    problems.check()
    return out


def annotate(fabric: Fabric, plan: Plan) -> None:
    """Put ASN and loopback on the graph's nodes, as `fabric.topology` documents them."""
    for node in fabric.nodes:
        if node.role is not Role.HOST:
            fabric.graph.nodes[node.name].update(
                asn=plan.asn[node.index], loopback=plan.vtep(node.index)
            )


def top_down(fabric: Fabric) -> list[Node]:
    """BGP speakers from the top tier down, so that spines get the lowest numbers."""
    speakers = (node for node in fabric.nodes if node.role is not Role.HOST)
    return sorted(speakers, key=lambda node: (-RANK[node.role], node.index))


def asn_key(node: Node) -> str:
    """Who shares an ASN (rule 1), as pins and the lock file call it: a node, or a tier of spines.

    >>> asn_key(Node(0, "pod2-spine3", Role.SPINE, "fra1", 2))
    'pod2-spines'
    """
    if node.role in (Role.SPINE, Role.SUPERSPINE):
        return f"{node.name.rstrip('0123456789')}s"
    return node.name


def asns(spec: FabricSpec, fabric: Fabric, draws: Draws, problems: Diagnostics) -> tuple[int, ...]:
    """ASN per node; 0 for hosts."""
    out = [0] * len(fabric.nodes)
    ledger = draws.ledger("asn", "ASN")
    for node in top_down(fabric):
        pinned = ledger.pinned.get(node.name)
        key = asn_key(node) if pinned is None else node.name
        value = ledger.draw(key, "asn", numbers(spec.pools.asn))
        if value is None:
            need = f"{len({asn_key(n) for n in top_down(fabric)})} are needed"
            exhausted(spec, problems, "C404", f"ASN pool {spec.pools.asn}", need, "asn")
            break
        out[node.index] = value
    return tuple(out)


def loopbacks(
    spec: FabricSpec, fabric: Fabric, draws: Draws, problems: Diagnostics
) -> tuple[int, ...]:
    """Loopback per node as an integer; 0 for hosts."""
    out = [0] * len(fabric.nodes)
    ledger = draws.ledger("loopback", "loopback")
    for node in top_down(fabric):
        text = ledger.draw(node.name, "loopback", host_addresses(spec.pools.loopbacks))
        if text is None:
            need = f"{len(top_down(fabric))} are needed"
            where = f"loopback pool {spec.pools.loopbacks}"
            exhausted(spec, problems, "C405", where, need, "loopbacks")
            break
        out[node.index] = int(IPv4Address(text))
    return tuple(out)


def rds(
    spec: FabricSpec,
    fabric: Fabric,
    vrfs: Sequence[Vrf],
    loopback: Sequence[int],
    instances: Sequence[Instance],
    draws: Draws,
) -> dict[Instance, str]:
    """RD per instance (rule 2). Only those whose index was drawn go to the lock file."""
    used = {vrf.vni for vrf in vrfs}
    ledger = draws.ledger("rd", "RD")
    fits = {vrf.index for vrf in vrfs if FIRST_RD <= vrf.vni <= LAST_RD}
    out = {}
    for vtep, vrf in instances:
        key = f"{fabric.nodes[vtep].name} {vrfs[vrf].name}"
        router_id = IPv4Address(loopback[vtep])
        if vrf in fits and key not in ledger.pinned:
            out[vtep, vrf] = f"{router_id}:{vrfs[vrf].vni}"
            continue
        free = (f"{router_id}:{n}" for n in range(FIRST_DRAWN_RD, LAST_RD + 1) if n not in used)
        out[vtep, vrf] = ledger.draw(key, str(vtep), free) or ""
    return out


def router_macs(
    spec: FabricSpec,
    fabric: Fabric,
    vrfs: Sequence[Vrf],
    instances: Sequence[Instance],
    draws: Draws,
    problems: Diagnostics,
) -> dict[Instance, str]:
    """Router MAC per instance (rule 4)."""
    ledger: Ledger[str] = draws.ledger("router_mac", "router MAC")
    out = {}
    for vtep, vrf in instances:
        key = f"{fabric.nodes[vtep].name} {vrfs[vrf].name}"
        value = ledger.draw(key, "mac", macs(spec.pools.router_macs))
        if value is None:
            need = f"{len(instances)} are needed, one per (VTEP, VRF)"
            where = f"router MAC pool {spec.pools.router_macs}"
            exhausted(spec, problems, "C406", where, need, "router_macs")
            break
        out[vtep, vrf] = value
    return out


def route_targets(
    spec: FabricSpec,
    vrfs: Sequence[Vrf],
    offers: Iterable[str],
    draws: Draws,
    problems: Diagnostics,
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Native route target per VRF and one per offer key (rule 3)."""
    asn = spec.pools.rt_asn
    pinned = draws.pins.rt
    native = tuple(pinned.get(vrf.name, f"{asn}:{vrf.vni}") for vrf in vrfs)
    ledger: Ledger[str] = draws.ledger("rt", "route target", taken=native)
    free = (f"{asn}:{n}" for n in range(FIRST_INTENT_RT, 65536))
    out = {}
    for key in sorted(set(offers)):
        value = ledger.draw(key, "rt", free)
        if value is None:
            where = f"route targets {asn}:{FIRST_INTENT_RT}-65535"
            exhausted(spec, problems, "C407", where, "one per side of an intent", "rt_asn")
            break
        out[key] = value
    return native, out


def exhausted(
    spec: FabricSpec, problems: Diagnostics, code: str, pool: str, need: str, key: str
) -> None:
    """A pool that is too small for what is to be drawn from it."""
    problems.error(code, f"{pool} is exhausted: {need}", spec.at("pools", key), "enlarge the pool")
