"""Which endpoints a matcher selects, whatever the packet.

Label selectors follow the Kubernetes API: NotIn and DoesNotExist also hold for objects that lack
the key (apimachinery `labels.Requirement.Matches`).
"""

from __future__ import annotations

from collections.abc import Mapping

from compiler.policy.ir import Cidr, Everyone, InVrf, LabelSelector, Matcher, Named, OwnNode, Pods
from fabric.inventory import Endpoint, Prefix
from fabric.names import selects as named
from fabric.network import Network


def labels_match(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether every requirement of the selector holds for these labels."""
    for term in selector:
        value = labels.get(term.key)
        holds = {
            "In": value is not None and value in term.values,
            "NotIn": value is None or value not in term.values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[term.operator]
        if not holds:
            return False
    return True


def overlaps(prefixes: tuple[Prefix, ...], others: tuple[Prefix, ...]) -> bool:
    """Whether any prefix of one tuple overlaps any of the other (families never mix)."""
    return any(a.version == b.version and a.overlaps(b) for a in prefixes for b in others)


def selects(matcher: Matcher, endpoint: Endpoint, network: Network) -> bool:
    """Whether the matcher selects this endpoint as a whole (`OwnNode` never does)."""
    match matcher:
        case Everyone():
            return True
        case Pods(cluster, labels, namespace, namespaces):
            return (
                endpoint.kind == "pod"
                and not endpoint.host_network
                and endpoint.tenant == cluster
                and (namespace is None or endpoint.namespace == namespace)
                and (namespaces is None or labels_match(namespaces, endpoint.namespace_labels))
                and labels_match(labels, endpoint.labels)
            )
        case Named(patterns, states, hosts):
            return (
                (states is None or endpoint.state in states)
                and (hosts is None or endpoint.host in hosts)
                and any(named(p, endpoint) for p in patterns)
            )
        case InVrf(vrfs, prefixes):
            return network.vrfs[endpoint.vrf].name in vrfs and (
                prefixes is None or overlaps(prefixes, endpoint.prefixes)
            )
        case Cidr(prefix):
            return overlaps((prefix,), endpoint.prefixes)
        case OwnNode():
            return False
