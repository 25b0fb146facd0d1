"""Hosts: which of them a tenant has, with or without pods, and what its cluster calls them.

Rules that hold here:

1. A host is the tenant's when `hosts` names it. A tenant that names none has the hosts that its
   cluster has (Node objects and the nodes of pods), else every host. But where several tenants
   leave `hosts` out they share, and one that has pods is where these run.
2. Kubernetes knows a host as `hosts: {host7: {node: gpu-node-017}}` says, else by the host's own
   name. A node with another name is the host that has one of its addresses: by pin, or by the lock
   file, and then that is *assumed*.
3. What fits no host is an error or a finding. No host is made up for it.
"""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fabric.diagnostics import FINDING, Diagnostic, Diagnostics, Span
from fabric.file.spec import FabricSpec, Pins
from fabric.kubernetes.pods.nodes import ClusterNode
from fabric.values import ip
from fabric.values.inventory import Prefix
from fabric.values.wildcard import among
from fabric.wiring.topology import Fabric

NOTHING: frozenset[str] = frozenset()
ASSUMED = frozenset({"host"})
Found = tuple[str, frozenset[str]]
Reported = dict[str, dict[str, Span]]


@dataclass(frozen=True, slots=True)
class Presence:
    """The hosts of a tenant, in order of the fabric. `named`: the file or the cluster says so.
    `reported` has the addresses that the cluster knows of a host, and where it says that."""

    hosts: tuple[str, ...]
    named: bool
    reported: Mapping[str, Mapping[str, Span]]


def hosts_of(spec: FabricSpec, tenant: str, fabric: Fabric) -> list[str]:
    """The hosts that a tenant may use, in order of the fabric."""
    wanted = spec.tenants[tenant].hosts
    return among(fabric.hosts, wanted) if wanted else [*fabric.hosts]


def shared(spec: FabricSpec) -> bool:
    """Whether several tenants leave open which hosts are theirs."""
    return sum(not settings.hosts for settings in spec.tenants.values()) > 1


def presence(
    spec: FabricSpec,
    tenant: str,
    allowed: Sequence[str],
    occupied: set[str],
    nodes: set[str],
    reported: Reported,
) -> Presence:
    """Rule 1: of the hosts that a tenant may use, with those where its pods run (`occupied`) and
    those that Node objects stand for."""
    if spec.tenants[tenant].hosts:
        return Presence(tuple(allowed), True, reported)
    if nodes or (occupied and shared(spec)):
        here = occupied | nodes
        return Presence(tuple(h for h in allowed if h in here), bool(nodes), reported)
    return Presence(tuple(allowed), False, reported)


def hosts_by_name(spec: FabricSpec, fabric: Fabric) -> dict[str, Found]:
    """Every host by what the file says that clusters call it, else by its own name."""
    out: dict[str, Found] = {}
    for host in sorted(fabric.hosts, key=lambda host: not node_names(spec, host)):
        for name in node_names(spec, host) or (host,):
            out.setdefault(name, (host, NOTHING))
    return out


class NodeNames:
    """What a tenant's cluster calls the hosts (rule 2), beyond what is `known` of all clusters."""

    def __init__(
        self,
        spec: FabricSpec,
        tenant: str,
        fabric: Fabric,
        locked: Pins,
        known: dict[str, Found],
    ) -> None:
        self.hosts = fabric.host_places.keys()
        self.by_name = ChainMap[str, Found]({}, known)
        self.tenant, self.locked = tenant, locked
        self.given = addresses(tenant, spec.pins)
        self.blocks = tuple(blocks(tenant, spec.pins))

    @cached_property
    def drawn(self) -> dict[str, str]:
        """The hosts of node addresses that are locked."""
        return addresses(self.tenant, self.locked)

    def host(self, node: str | None, known: Iterable[str]) -> Found | None:
        """The host of a node with this name and these addresses; what of that is assumed."""
        if node in self.by_name:
            return self.by_name[node or ""]
        for address in map(ip.address, known):
            pinned = (host for block, host in self.blocks if address in block)
            given = self.given.get(str(address)) or next(pinned, None)
            if given in self.hosts:
                return given or "", NOTHING
            drawn = self.drawn.get(str(address))
            if drawn in self.hosts:
                return drawn or "", ASSUMED
        return None

    def learn(self, node: str, found: Found, known: Iterable[str]) -> None:
        """What a Node object says about a host."""
        self.by_name[node] = found
        self.given.update((ip.canonical_address(text), found[0]) for text in known)


def node_names(spec: FabricSpec, host: str) -> tuple[str, ...]:
    """What clusters call a host, as the file says."""
    given = spec.hosts[host].node if host in spec.hosts else ()
    return (given,) if isinstance(given, str) else tuple(given)


def addresses(tenant: str, pins: Pins) -> dict[str, str]:
    """The hosts of node addresses, as pins or a lock file have them."""
    start = f"{tenant}/@node/"
    return {
        ip.canonical_address(text): key.removeprefix(start).partition("@")[0]
        for key, texts in pins.addresses.items()
        if key.startswith(start)
        for text in texts
    }


def blocks(tenant: str, pins: Pins) -> Iterator[tuple[Prefix, str]]:
    """The hosts of pinned blocks."""
    for key, texts in pins.blocks.items():
        host, _, vrf = key.partition(" ")
        if vrf.startswith(f"{tenant}/"):
            yield from ((ip.prefix(text), host) for text in texts)


class Nodes:
    """The Node objects of a tenant as hosts; what fits none goes to `problems`."""

    def __init__(
        self, tenant: str, names: NodeNames, allowed: Sequence[str], found: Iterable[ClusterNode],
        problems: Diagnostics,
    ) -> None:  # fmt: skip
        self.hosts: set[str] = set()
        self.reported: Reported = defaultdict(dict)
        allowed_set = {*allowed}
        for node in found:
            known = [address for address, _ in node.addresses]
            where = names.host(node.name, known)
            if where is None:
                problems.items.append(unknown(node.name, f"of {tenant}", node.span, FINDING))
            elif where[0] not in allowed_set:
                what = f"node {node.name} is {where[0]}, which is not among the hosts of {tenant}"
                problems.items.append(stranger(what, where[0], tenant, node.span, FINDING))
            else:
                self.hosts.add(where[0])
                names.learn(node.name, where, known)
                self.reported[where[0]].update(
                    (ip.canonical_address(address), span) for address, span in node.addresses
                )


def unknown(node: str, whose: str, span: Span | None, severity: str = "error") -> Diagnostic:
    """C451: a node that is no host."""
    hint = f"say which host it is, under hosts: {{ host1: {{ node: {node} }} }}"
    return Diagnostic(
        "C451", f'node "{node}" {whose} is no host of the fabric', span, hint, severity
    )


def stranger(
    what: str, host: str, tenant: str, span: Span | None, severity: str = "error"
) -> Diagnostic:
    """C452: something of a tenant on a host that is not the tenant's."""
    hint = f"add {host} to hosts of tenant {tenant}, or leave it out"
    return Diagnostic("C452", what, span, hint, severity)


def crowded(spec: FabricSpec, found: Mapping[str, Presence]) -> Iterator[Diagnostic]:
    """C456, once: tenants that share hosts although one of them names none."""
    tenants: dict[str, list[str]] = defaultdict(list)
    for tenant, here in found.items():
        for host in here.hosts:
            tenants[host].append(tenant)
    open_ones = {tenant for tenant in found if not spec.tenants[tenant].hosts}
    several = {h: t for h, t in tenants.items() if len(t) > 1 and open_ones & {*t}}
    if several:
        host, who = max(several.items(), key=lambda item: len(item[1]))
        silent = next(tenant for tenant in who if tenant in open_ones)
        some = ", ".join(who[:3]) + (f" and {len(who) - 3} more" if len(who) > 3 else "")
        more = f" ({len(several)} hosts have several)" if len(several) > 1 else ""
        what = f"{host} has {len(who)} tenants, {some}{more}; {silent} does not say its hosts"
        hint = "hosts: under the tenant says which are its own"
        yield Diagnostic("C456", what, spec.at_key("tenants", silent), hint, "warning")
