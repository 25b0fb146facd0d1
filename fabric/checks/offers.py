"""What is offered and advertised lies in the VRF that offers it.

A listed prefix may be wider than the VRF's own (a whole pool): what counts is the common part. A
prefix that has no part in any of the VRFs it is listed for is an error, and so is a VRF that is
named and has no part in anything listed.

VRFs that a tenant has per namespace are known when its manifests are read. Before that a leak's
clients among them are anybody's guess, and nothing is said of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network

from fabric.checks.sharing import listed
from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec, Leak
from fabric.intent.intents import ZONE0, node_prefixes, one_vrf, select_vrfs, selected, vrf_spec
from fabric.plan.per_namespace import dynamic
from fabric.values.inventory import Vrf
from fabric.values.wildcard import GLOB

Path = tuple[str | int, ...]


def check(spec: FabricSpec, vrfs: Sequence[Vrf], found: Diagnostics, guessed: bool = False) -> None:
    """Every list of offered prefixes. Names that do not exist are passed over; with `guessed` VRFs
    per namespace are taken from names in the file and may be none."""
    by_name = {vrf.name: vrf for vrf in vrfs}
    for i, peering in enumerate(spec.peerings):
        for key, texts in peering.prefixes.items():
            name = one_vrf(key, by_name)
            if name is not None:
                at: Path = ("peerings", i, "prefixes", key)
                inside(spec, "C429", texts, at, [by_name[name]], found)
    for i, leak in enumerate(spec.leaks):
        of_leak(spec, i, leak, by_name, found, guessed)
    for vrf in vrfs:
        written = vrf_spec(spec, vrf)
        if written is not None:
            at = (*written[1], "advertise")
            inside(spec, "C434", written[0].advertise, at, together(spec, vrf, vrfs), found)
    unserved(spec, vrfs, found)


def together(spec: FabricSpec, vrf: Vrf, vrfs: Sequence[Vrf]) -> list[Vrf]:
    """A VRF, or all that its tenant has per namespace: they are made from one template."""
    if not dynamic(spec, vrf.tenant):
        return [vrf]
    return [other for other in vrfs if other.tenant == vrf.tenant]


def of_leak(
    spec: FabricSpec,
    i: int,
    leak: Leak,
    vrfs: Mapping[str, Vrf],
    found: Diagnostics,
    guessed: bool,
) -> None:
    """What a leak offers, and the way back to its clients."""
    source = one_vrf(leak.from_, vrfs)
    if source is not None:
        inside(spec, "C429", leak.prefixes, ("leaks", i, "prefixes"), [vrfs[source]], found)
    names = [name for name in select_vrfs(leak.to, vrfs) if name != source]
    clients = [vrfs[name] for name in names]
    if guessed and any(dynamic(spec, client.tenant) for client in clients):
        return
    if not clients or not inside(
        spec, "C430", leak.clients, ("leaks", i, "clients"), clients, found
    ):
        return
    for client in clients:
        late = dynamic(spec, client.tenant)
        exact = any(
            not GLOB & set(p) and ("/" in p or not late) and select_vrfs([p], [client.name])
            for p in leak.to
        )
        if not selected(spec, client, leak.clients) and (exact or not late):
            what = f"{client.name} has none of the clients' prefixes of leak {leak.name}"
            hint = "so it gets no way back; add its prefixes to clients, or leave it out of to"
            span = spec.at("leaks", i, "clients")
            (found.error if exact else found.warn)("C430", what, span, hint)


def inside(
    spec: FabricSpec,
    code: str,
    texts: Sequence[str],
    at: Path,
    vrfs: Sequence[Vrf],
    found: Diagnostics,
) -> bool:
    """Whether every listed prefix has a part in one of the VRFs."""
    good = True
    for i, text in enumerate(texts):
        if any(selected(spec, vrf, [text]) for vrf in vrfs):
            continue
        good = False
        who = listed((vrf.name for vrf in vrfs), 3)
        have = "has" if len(vrfs) == 1 else "have"
        if text == "nodes":
            hint = "mark one: { cidr: 100.64.0.0/24, use: nodes }"
            found.error("C526", f"{who} {have} no node prefixes", spec.at(*at, i), hint)
            continue
        version = ip_network(text).version
        own = [str(p) for vrf in vrfs for p in vrf.prefixes if p.version == version]
        hint = f"prefixes there: {listed(dict.fromkeys(own))}" if own else f"no IPv{version} there"
        found.error(code, f"{text} lies outside {who}", spec.at(*at, i), hint)
    return good


def unserved(spec: FabricSpec, vrfs: Sequence[Vrf], found: Diagnostics) -> None:
    """A tenant that zone 0 serves by name needs node prefixes for the way back."""
    if ZONE0 not in {vrf.name for vrf in vrfs}:
        return
    for i, name in enumerate(spec.zones.zone0.serves):
        for vrf in vrfs:
            both = together(spec, vrf, vrfs) if "/" not in name else [vrf]
            if name in (vrf.tenant, vrf.name) and not any(node_prefixes(spec, v) for v in both):
                what = f"zone 0 serves {name}, but {vrf.name} has no node prefixes to serve"
                hint = "mark one: { cidr: 100.64.0.0/24, use: nodes }"
                found.warn("C526", what, spec.at("zones", "zone0", "serves", i), hint)
