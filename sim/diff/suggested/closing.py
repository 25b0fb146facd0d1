"""Edits that may stop a packet: less of what permits it, or a rule against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Any

from compiler.policy.origin_kinds import OriginKind
from fabric.building.network import Network
from fabric.file.spec import FabricSpec
from fabric.values.inventory import Endpoint
from sim.diff.suggested.file_edits import (
    FileEdit,
    PolicyObject,
    list_of,
    named_in,
    one_more,
    stands_at,
)
from sim.names.chosen import chosen
from sim.proof.expectations.expect import Claim
from sim.why.blame import Cause

PEERS = {"ingress": "from", "egress": "to"}
FEW = 16
"""Prefixes that a block leaves out for one expectation."""


def closing(
    network: Network, claim: Claim, causes: Iterable[Cause], policies: dict[str, PolicyObject]
) -> Iterator[FileEdit]:
    """What each cause could say less, narrowest first, and a rule of the fabric against it."""
    for cause in causes:
        name, rule = named_in(cause)
        kind = cause.origin
        if kind and kind.items and rule is not None and name in policies:
            yield from _less(network, policies[name], cause, rule, claim)
        elif kind and kind.lines:
            yield from _zone_rule(network.spec, cause)
        elif kind and kind.leads:
            yield from _shared(network.spec, cause, kind)
        else:
            yield from imported(network.spec, cause)
    yield from _against(network, claim)


def inside(ends: Iterable[Endpoint], block: str) -> list[str]:
    """The prefixes of a few ends that lie in a block, and are not all of it; none of many."""
    whole = ip_network(block, strict=False)
    found = dict.fromkeys(
        str(prefix)
        for end in ends
        for prefix in end.prefixes
        if prefix.version == whole.version and prefix != whole and prefix.subnet_of(whole)  # type: ignore[arg-type]
    )
    return list(found) if len(found) <= FEW else []


def _less(
    network: Network, policy: PolicyObject, cause: Cause, rule: int, claim: Claim
) -> Iterator[FileEdit]:
    document = policy.document
    key = list_of(document, cause, rule)
    if key is None:
        return
    at = ("spec", key, rule)
    said = policy.spec[key][rule] or {}
    title = f"rule {rule} of {key}"
    peers, ports = said.get(PEERS[key]) or [], said.get("ports") or []
    wanted = {(r.first, r.last) for r in claim.ports}
    for number, port in enumerate(ports):
        span = (port.get("port"), port.get("endPort", port.get("port")))
        if span in wanted and len(ports) > 1:
            yield policy.edit((*at, "ports", number), "remove", None, f"{title}: not on {span[0]}")
    others = chosen(network, claim.source if key == "ingress" else claim.target)
    for number, peer in enumerate(peers):
        place = (*at, PEERS[key], number)
        if len(peers) > 1 and not stands_at(document, place, cause.span):
            continue
        if "ipBlock" in peer and (left_out := inside(others, peer["ipBlock"]["cidr"])):
            there = list(peer["ipBlock"].get("except") or ())
            words = f"{title}: except {', '.join(left_out)}"
            except_ = (*place, "ipBlock", "except")
            yield policy.edit(except_, "set", [*dict.fromkeys((*there, *left_out))], words)
        if len(peers) > 1:
            yield policy.edit(place, "remove", None, f"{title}: not {PEERS[key]} this peer")
    yield policy.edit(at, "remove", None, f"without {title}")


def _zone_rule(spec: FabricSpec, cause: Cause) -> Iterator[FileEdit]:
    for zone in ("zone0", "zone1", "zone2"):
        for key in ("rules", "services"):
            for number, rule in enumerate(getattr(getattr(spec.zones, zone), key, ())):
                at = ("zones", zone, key, number)
                if spec.at(*at) == cause.span:
                    words = f"without {cause.kind} {zone} {rule.name}"
                    yield FileEdit(at, "remove", None, words, cause.span)


def _shared(spec: FabricSpec, cause: Cause, kind: OriginKind) -> Iterator[FileEdit]:
    name = cause.title.removeprefix(f"{kind} ").split()[0]
    for number, entry in enumerate(getattr(spec, kind.many, ())):
        if entry.name == name:
            at = (kind.many, number)
            yield FileEdit(at, "remove", None, f"without {kind} {entry.name}", spec.at(*at))


def imported(spec: FabricSpec, cause: Cause) -> Iterator[FileEdit]:
    """Without a raw route target that a VRF imports."""
    for name, tenant in spec.tenants.items():
        for vrf, said in tenant.vrfs.items():
            for number, target in enumerate(said.import_rts):
                at = ("tenants", name, "vrfs", vrf, "import_rts", number)
                if spec.at(*at) == cause.span or spec.at(*at[:-1]) == cause.span:
                    words = f"VRF {name}/{vrf}: without import of {target}"
                    yield FileEdit(at, "remove", None, words, spec.at(*at))


def _against(network: Network, claim: Claim) -> Iterator[FileEdit]:
    """A rule of zone 1 that denies just this."""
    rule = {
        "name": fresh("no", [r.name for r in network.spec.zones.zone1.rules]),
        "action": "deny",
        "from": claim.source,
        "to": claim.target,
        **({} if str(claim.ports[0]) == "any" else {"ports": [str(r) for r in claim.ports]}),
    }
    words = f"zone rule zone1 {rule['name']}: denies {claim.text}"
    yield one_more(written(network.spec), ("zones", "zone1", "rules"), rule, words)


def written(spec: FabricSpec) -> Any:
    """The value of the fabric file."""
    return spec._document.value if spec._document else {}


def fresh(stem: str, taken: Iterable[str]) -> str:
    """A name that nobody has.

    >>> fresh("no", ["no-1"]), fresh("no", [])
    ('no-2', 'no-1')
    """
    there = set(taken)
    return next(name for n in range(1, len(there) + 2) if (name := f"{stem}-{n}") not in there)
