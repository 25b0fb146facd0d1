"""The plan: every number that the control plane needs, drawn once and then kept.

Rules that hold here:

1. ASNs as RFC 7938 §5.2 has them: one for the spines of a site or pod, one for the superspines of a
   site, one per leaf and border, one per DPU; those of nodes that are written down may be too.
2. RDs are type 1, loopback:index. The index is the VNI where it fits in 16 bits and nobody has
   that RD, else one drawn from 32768 up. Small indices are FRR's own (it counts VRFs), so they are
   never used.
3. A VRF's native route target is `rt_asn:VNI`. Every side of an intent has one of its own, from
   `rt_asn:40000` up: offers are narrower than VRFs, and import is decided by route targets only.
4. A router MAC belongs to one (VTEP, VRF): it is how the egress side tells VRFs apart (RFC 9135).
5. Everything here can be pinned, and what is drawn goes to the lock file. No RD, route target, ASN,
   loopback or MAC is given to two by any mix of pins, lock, rule and draw: it is refused.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from fabric.diagnostics import Diagnostics, did_you_mean
from fabric.file.spec import FabricSpec, SiteNode
from fabric.plan.draws import Draws
from fabric.plan.ledger import Ledger
from fabric.plan.pools import (
    FIRST_DRAWN_RD,
    FIRST_INTENT_RT,
    FIRST_RD,
    LAST_INTENT_RT,
    LAST_RD,
    host_addresses,
    macs,
    numbers,
)
from fabric.plan.vrfs import raw_targets
from fabric.values.inventory import Prefix, Vrf
from fabric.wiring.topology import RANK, Fabric, Node, Role

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

    def vrfs_at(self, node: int) -> list[int]:
        """The VRFs that a VTEP has, sorted."""
        first, end = (bisect_left(self.instances, (at, -1)) for at in (node, node + 1))
        return [vrf for _, vrf in self.instances[first:end]]

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
        rds(spec, fabric, vrfs, loopback, places, draws, problems),
        router_macs(spec, fabric, vrfs, places, draws, problems),
        *route_targets(spec, vrfs, offers, draws, problems),
        blocks,
    )
    problems.items += draws.problems.items
    problems.check()
    return out


def annotate(fabric: Fabric, plan: Plan) -> None:
    """Put ASN and loopback on the nodes, as `fabric.wiring.topology` documents them."""
    for node in fabric.nodes:
        if node.role is not Role.HOST:
            fabric.wiring.nodes[node.name].update(
                asn=plan.asn[node.index], loopback=plan.vtep(node.index)
            )


def top_down(fabric: Fabric) -> list[Node]:
    """BGP speakers from the top tier down, so that spines get the lowest numbers."""
    speakers = (node for node in fabric.nodes if node.role is not Role.HOST)
    return sorted(speakers, key=lambda node: (-RANK[node.role], node.index))


def asn_key(node: Node, prefix: str) -> str:
    """Who shares an ASN (rule 1), as pins and the lock file call it: a node, or a tier of spines.

    >>> asn_key(Node(0, "pod2-spine3", Role.SPINE, "fra1", 2), "")
    'pod2-spines'
    """
    if node.role in (Role.SPINE, Role.SUPERSPINE):
        return f"{prefix}{f'pod{node.pod}-' if node.pod else ''}{node.role}s"
    return node.name


def written_by_name(spec: FabricSpec) -> Iterator[tuple[str, SiteNode]]:
    """The nodes that are written down."""
    return (item for site in spec.sites.values() for item in site.nodes.items())


def asns(spec: FabricSpec, fabric: Fabric, draws: Draws, problems: Diagnostics) -> tuple[int, ...]:
    """ASN per node; 0 for hosts."""
    out = [0] * len(fabric.nodes)
    own = {n: node.asn for n, node in written_by_name(spec) if node.asn is not None}
    ledger = draws.ledger("asn", "ASN", own)
    for node in top_down(fabric):
        pinned = ledger.pinned.get(node.name)
        key = asn_key(node, spec.prefix_of(node.site)) if pinned is None else node.name
        value = ledger.draw(key, "asn", numbers(spec.pools.asn))
        if value is None:
            keys = {asn_key(n, spec.prefix_of(n.site)) for n in top_down(fabric)}
            need = f"{len(keys)} are needed"
            exhausted(spec, problems, "C404", f"ASN pool {spec.pools.asn}", need, "asn")
            break
        out[node.index] = value
    return tuple(out)


def loopbacks(
    spec: FabricSpec, fabric: Fabric, draws: Draws, problems: Diagnostics
) -> tuple[int, ...]:
    """Loopback per node as an integer; 0 for hosts."""
    out = [0] * len(fabric.nodes)
    own = {n: node.loopback for n, node in written_by_name(spec) if node.loopback is not None}
    ledger = draws.ledger("loopback", "loopback", own)
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
    problems: Diagnostics,
) -> dict[Instance, str]:
    """RD per instance (rule 2). Only those whose index was drawn go to the lock file."""
    used = {vrf.vni for vrf in vrfs}
    ledger: Ledger[str] = draws.ledger("rd", "RD")
    router_ids = {t: str(IPv4Address(loopback[t])) for t in {t for t, _ in instances}}
    keys = {(t, v): f"{fabric.nodes[t].name} {vrfs[v].name}" for t, v in instances}
    by_rule = {
        keys[t, v]: f"{router_ids[t]}:{vrfs[v].vni}"
        for t, v in instances
        if FIRST_RD <= vrfs[v].vni <= LAST_RD and keys[t, v] not in ledger.pinned
    }
    taken_rds(spec, by_rule, ledger, problems)
    out = {}
    for vtep, vrf in instances:
        key, router_id = keys[vtep, vrf], router_ids[vtep]
        rule = by_rule.get(key)
        if rule is not None and key not in ledger.locked and rule not in ledger.taken:
            out[vtep, vrf] = rule
            continue
        free = (f"{router_id}:{n}" for n in range(FIRST_DRAWN_RD, LAST_RD + 1) if n not in used)
        value = ledger.draw(key, str(vtep), free)
        if value is None:
            what = f"route distinguishers {router_id}:{FIRST_DRAWN_RD}-{LAST_RD}"
            need = f"one for each VRF at {fabric.nodes[vtep].name} whose VNI has more than 16 bits"
            exhausted(spec, problems, "C447", what, need, "vni")
            break
        out[vtep, vrf] = value
    return out


def taken_rds(
    spec: FabricSpec, by_rule: Mapping[str, str], ledger: Ledger[str], problems: Diagnostics
) -> None:
    """Pinned RDs that somebody else has by rule: both would announce the same routes (RFC 4364
    §4.1)."""
    owner = {value: key for key, value in by_rule.items()} if ledger.pinned else {}
    for key, value in ledger.pinned.items():
        if value in owner:
            what = f'RD {value} of "{key}" is that of "{owner[value]}", which has it by its VNI'
            span = spec.at("pins", "rd", key)
            problems.error("C438", what, span, "pin one that ends in a number that is no VNI")


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
    wanted, asn = sorted(set(offers)), spec.pools.rt_asn
    known_targets(spec, vrfs, wanted, draws, problems)
    native, owner = native_targets(spec, vrfs, draws, problems)
    names = {vrf.name for vrf in vrfs}
    for key, pinned in draws.pins.rt.items():
        if pinned in owner and key not in names:
            what = f'route target {pinned} of "{key}" is that of {owner[pinned]}'
            problems.error("C439", what, spec.at("pins", "rt", key), "pin another one")
    ledger: Ledger[str] = draws.ledger("rt", "route target", taken=owner)
    numbered = (*draws.drawn["vni"].values(), *draws.pins.vni.values())
    avoided = raw_targets(spec) | {f"{asn}:{vni}" for vni in numbered}
    pool = (f"{asn}:{n}" for n in range(FIRST_INTENT_RT, LAST_INTENT_RT + 1))
    free = (value for value in pool if value not in avoided)
    out = {}
    for key in wanted:
        value = ledger.draw(key, "rt", free)
        if value is None:
            where = f"route targets {asn}:{FIRST_INTENT_RT}-{LAST_INTENT_RT}"
            exhausted(spec, problems, "C407", where, "one per side of an intent", "rt_asn")
            break
        out[key] = value
    return native, out


def native_targets(
    spec: FabricSpec, vrfs: Sequence[Vrf], draws: Draws, problems: Diagnostics
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The route target of each VRF, and whose each is."""
    pinned = draws.pins.rt
    owner: dict[str, str] = {}
    native = tuple(pinned.get(vrf.name, f"{spec.pools.rt_asn}:{vrf.vni}") for vrf in vrfs)
    for vrf, value in zip(vrfs, native, strict=True):
        how = "which has it pinned" if vrf.name in pinned else f"which has VNI {vrf.vni}"
        other = owner.setdefault(value, f"{vrf.name}, {how}")
        if not other.startswith(f"{vrf.name}, "):
            what = f"route target {value} is that of {other}, and of {vrf.name}, {how}"
            span = spec.at("pins", "rt", vrf.name) if vrf.name in pinned else vrf.span
            problems.error("C439", what, span, "each VRF needs its own: pin another one")
    return native, owner


def known_targets(
    spec: FabricSpec,
    vrfs: Sequence[Vrf],
    offers: Sequence[str],
    draws: Draws,
    problems: Diagnostics,
) -> None:
    """Pinned route targets are those of VRFs, or of sides of intents."""
    here = {vrf.name for vrf in vrfs}
    names = {*here, *offers}
    told = {" ".join(key.split(" ")[:2]) for key in offers}
    quiet = {f"leak {leak.name}" for leak in spec.leaks}
    quiet |= {f"peering {peering.name}" for peering in spec.peerings} | {"zone0", "zone2"}
    for key in draws.pins.rt:
        dynamic = spec.tenants.get(key.partition("/")[0])
        absent = dynamic is not None and dynamic.vrf_per == "namespace"
        stem = " ".join(key.split(" ")[:2]).removesuffix(" clients")
        if key not in names and not absent and (stem in told or stem not in quiet):
            hint = did_you_mean(key, names) or f"there are: {', '.join(sorted(names))}"
            what = f'"{key}" is no VRF, and no side of a peering or leak'
            problems.error("C312", what, spec.at_key("pins", "rt", key), hint)


def exhausted(
    spec: FabricSpec, problems: Diagnostics, code: str, pool: str, need: str, key: str
) -> None:
    """A pool that is too small for what is to be drawn from it."""
    problems.error(code, f"{pool} is exhausted: {need}", spec.at("pools", key), "enlarge the pool")
