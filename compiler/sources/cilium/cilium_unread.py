"""What of Cilium's policies cannot be evaluated, and what in them has no effect.

Rules that hold here:

1. What nobody here knows is told, and verdicts that it can touch are unknown: names that the file
   of names does not list, groups and Services that the input does not have, entities without an
   address, groups of a cloud, labels of nodes. What means addresses outside touches packets to and
   from there, the rest its namespace, or the cluster.
2. Policies about hosts touch nodes: whether the host firewall is on is not known.
3. A label whose value the input does not say (of pods from a template, of namespaces without an
   object) decides nothing: whoever selects by it is told.
4. A policy that is about no pod is told (C677), so is a label by which no identity is told apart
   (C678), and an object of a kind that Cilium does not read (C679).

Source: `compiler.sources.cilium.cilium_identities`, `fabric.kubernetes.unmodelled.untold_labels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from compiler.policy.ir import Policy
from compiler.policy.source import dialect_of
from compiler.sources import admin_policy_objects
from compiler.sources.admin_policy_objects import AdminPolicy, admin_policy
from compiler.sources.cilium import cilium_selectors
from compiler.sources.cilium.cilium_cluster import READ
from compiler.sources.cilium.cilium_identities import Identities
from compiler.sources.cilium.cilium_kinds import KINDS
from compiler.sources.cilium.cilium_objects import CiliumPolicy, CiliumSpec, cilium_policy
from compiler.sources.cilium.cilium_peers import (
    CiliumPeer,
    DomainPeer,
    EndpointPeer,
    EntityPeer,
    GroupPeer,
    ServicePeer,
    Unreadable,
)
from compiler.sources.cilium.cilium_selectors import NAMESPACE_LABELS, LabelTerm
from compiler.sources.cilium.cilium_things import (
    addresses_behind,
    chosen_groups,
    chosen_services,
    cidr_groups,
    resolved,
)
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, Diagnostics, Span
from fabric.kubernetes.files.metadata import NAME_LABEL
from fabric.kubernetes.manifests import Manifests
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.kubernetes.unmodelled.untold_labels import is_template, is_untold
from fabric.values.dialects import CILIUM

OUTSIDE = "0.0.0.0", "::"
"""Addresses that nobody has but whoever has all others."""
INSIDE, BEYOND, NODES = "inside", "beyond", "nodes"
Doubt = tuple[str, Span, str]
"""Why something is not evaluated, where it stands, and about whom that is: the pods of the policy,
addresses outside, or these and nodes."""


def unread(network: Network) -> Iterator[Unevaluated]:
    """Rules 1 to 3."""
    for tenant, manifests in clusters(network):
        doubts = CiliumDoubts(network, tenant)
        for source in manifests.claimed(KINDS):
            item = cilium_policy(source, Diagnostics())
            yield from doubts.records(source.value["apiVersion"], item)
        for source in manifests.claimed(READ):
            wide = admin_policy(source, Diagnostics(), cilium=True)
            for what, span, whom in doubts.of_wide(wide):
                record = Unevaluated(
                    source.value["apiVersion"], wide.kind, "", wide.name, span, "policy", what,
                    "cluster", tenant,
                )  # fmt: skip
                yield doubts.narrowed(record, whom)


def clusters(network: Network) -> Iterator[tuple[str, Manifests]]:
    """The tenants in whose clusters Cilium enforces policies."""
    for tenant, manifests in sorted(network.manifests.items()):
        if dialect_of(network, tenant) == CILIUM:
            yield tenant, manifests


class CiliumDoubts:
    """What of one cluster's policies cannot be evaluated."""

    def __init__(self, network: Network, tenant: str) -> None:
        self.tenant, self.manifests = tenant, network.manifests[tenant]
        self.identities = Identities(network, tenant, Diagnostics())
        self.groups = cidr_groups(self.manifests, Diagnostics())
        self.nodes = tuple(
            str(prefix.network_address)
            for endpoint in network.endpoints
            if endpoint.tenant == tenant and endpoint.kind == "node"
            for prefix in endpoint.prefixes
        )
        self.declared = {
            source.value["metadata"].get("name")
            for source in self.manifests.objects
            if source.value["kind"] in ("Namespace", "Project")
            and isinstance(source.value.get("metadata"), dict)
        }

    def records(self, api_version: str, item: CiliumPolicy) -> Iterator[Unevaluated]:
        """Those of one policy, each thing once."""
        told: set[str] = set()
        for found in item.specs:
            for what, span, whom in self.of_spec(found):
                if what in told:
                    continue
                told.add(what)
                record = Unevaluated(
                    api_version, str(item.kind), item.namespace or "", item.name, span, "policy",
                    what, "namespace" if item.namespace else "cluster", self.tenant,
                )  # fmt: skip
                yield self.narrowed(record, whom)

    def narrowed(self, record: Unevaluated, whom: str) -> Unevaluated:
        """The record, of what touches only packets to or from some addresses."""
        if whom == INSIDE:
            return record
        nodes = self.nodes if whom == NODES else ()
        return replace(record, scope="addresses", addresses=(*OUTSIDE, *nodes))

    def of_spec(self, found: CiliumSpec) -> Iterator[Doubt]:
        """What of one rule of the API cannot be evaluated."""
        if found.hosts:
            what = "it is about hosts, and whether Cilium's host firewall enforces it is not known"
            yield what, found.span, NODES
            return
        yield from self.of_terms(found.subject, found.span)
        for rule in found.rules:
            for peer in rule.peers or ():
                yield from self.of_peer(peer)

    def of_peer(self, peer: CiliumPeer) -> Iterator[Doubt]:
        """Rule 1."""
        match peer:
            case EndpointPeer():
                yield from self.of_terms(peer.terms, peer.span)
                for name in cilium_selectors.entities(peer.terms):
                    yield from self.of_entity(name, peer.span)
            case EntityPeer():
                yield from self.of_entity(peer.name, peer.span)
            case GroupPeer() if not chosen_groups(peer, self.groups):
                which = f" {peer.name}" if peer.terms is None else " with such labels"
                yield f"the input has no CiliumCIDRGroup{which}", peer.span, BEYOND
            case ServicePeer():
                yield from self.of_service(peer)
            case DomainPeer():
                name = peer.name or peer.pattern
                if resolved(peer.name, peer.pattern, self.identities.names) is None:
                    yield f"nobody knows the addresses of {name}", peer.span, BEYOND
            case Unreadable():
                yield peer.what, peer.span, BEYOND if peer.outside else INSIDE
            case _:
                pass

    def of_entity(self, name: str, span: Span) -> Iterator[Doubt]:
        """An entity of which no address is known; the API server may be on any node."""
        if not self.identities.knows(name):
            whom = NODES if name == "kube-apiserver" else BEYOND
            yield f"nobody knows the addresses of entity {name}", span, whom

    def of_service(self, peer: ServicePeer) -> Iterator[Doubt]:
        """A Service that the input does not have, or of which it does not say what is behind."""
        found = chosen_services(peer, self.manifests)
        which = f" {peer.name}" if peer.terms is None else " with such labels"
        if not found:
            yield f"the input has no Service{which}", peer.span, INSIDE
        for service in found:
            if not service.selector and not list(addresses_behind(service, self.manifests)):
                what = f"nobody knows what is behind Service {service.namespace}/{service.name}"
                yield what, peer.span, INSIDE

    def of_terms(self, terms: Iterable[LabelTerm], span: Span) -> Iterator[Doubt]:
        """Rule 3; and clusters by a name, of which this one's is not known."""
        for term in terms:
            where = term.span or span
            if term.key == cilium_selectors.CLUSTER and term.operator.endswith("In"):
                if cilium_selectors.CLUSTER_NAME not in term.values:
                    named = ", ".join(sorted(term.values))
                    yield f"whether this cluster is called {named} is not known", where, INSIDE
            elif term.key.startswith(NAMESPACE_LABELS):
                yield from self.of_namespaces(term, where)
            elif term.source != cilium_selectors.RESERVED and not cilium_selectors.ignored(term):
                made = (p for p in self.manifests.pods if is_template(p))
                pod = next((p for p in made if is_untold(term.key, p)), None)
                if pod is not None:
                    who = f"pods of {pod.workload_kind} {pod.namespace}/{pod.workload}"
                    what = f"it selects by label {term.key}, which {who}"
                    yield f"{what} get with a value that the input does not say", where, INSIDE

    def of_namespaces(self, term: LabelTerm, span: Span) -> Iterator[Doubt]:
        """Namespaces without an object, of whose labels only one is known."""
        key = term.key.removeprefix(NAMESPACE_LABELS)
        used = {pod.namespace for pod in self.manifests.pods}
        for name in sorted(used - self.declared) if key != NAME_LABEL else ():
            what = f"it selects by label {key} of namespaces, which that of {name} may have"
            yield f"{what}: its object was not read", span, INSIDE
            return

    def of_wide(self, item: AdminPolicy) -> Iterator[Doubt]:
        """What of a cluster-wide policy cannot be evaluated."""
        for rule in item.rules:
            for peer in rule.peers:
                if peer.nodes is not None:
                    what = "Cilium refuses a policy with nodes unless it reads labels of nodes"
                    yield what, peer.span, INSIDE
                    return
                for name in peer.names:
                    plain = name.lower().rstrip(".")
                    below = f"*{plain}" if plain.startswith("*") else ""
                    known = resolved("" if below else plain, below, self.identities.names)
                    if known is None:
                        yield f"nobody knows the addresses of {name}", peer.span, BEYOND


def lints(network: Network, policy: Policy | None) -> Iterator[Diagnostic]:
    """Rule 4."""
    for tenant, manifests in clusters(network):
        for source in manifests.claimed(admin_policy_objects.CLAIMS):
            kind, name = source.value["kind"], source.value["metadata"].get("name")
            if kind not in {claim.kind for claim in READ}:
                what = f"{kind} {name}: Cilium does not read this kind, so it has no effect"
                yield warning("C679", what, source.span(("kind",)))
        for source in manifests.claimed(KINDS):
            item = cilium_policy(source, Diagnostics())
            for found in item.specs if not any(s.hosts for s in item.specs) else ():
                yield from of_spec(network, tenant, item, found)


def of_spec(
    network: Network, tenant: str, item: CiliumPolicy, found: CiliumSpec
) -> Iterator[Diagnostic]:
    """What has no effect in one rule of the API."""
    title = f"{item.kind} {item.title}"
    peers = (peer for rule in found.rules for peer in rule.peers or ())
    listed = [found.subject, *(peer.terms for peer in peers if isinstance(peer, EndpointPeer))]
    for terms in listed:
        for term in terms:
            if term.source != cilium_selectors.RESERVED and cilium_selectors.ignored(term):
                what = f"{title}: no identity has label {term.key}, unless Cilium is told so"
                yield warning("C678", what, term.span)
    terms = cilium_selectors.subject(found.subject, item.namespace)
    pods = cilium_selectors.pods(tenant, terms)
    if pods is None or not any(pods.selects(e, network) for e in network.endpoints):
        yield warning("C677", f"{title} is about no pod", found.span)


def warning(code: str, message: str, span: Span | None) -> Diagnostic:
    """A doubt."""
    return Diagnostic(code, message, span, None, "warning")
