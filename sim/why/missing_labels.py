"""The labels that a pod, or its namespace, would need for a rule to mean it.

Of the peers of a rule the one counts that lacks least. What no label mends is not told: another
cluster, another namespace than the one that a peer names, addresses.

>>> from types import SimpleNamespace as Some
>>> from compiler.policy.ir import Pods, Requirement
>>> pod = Some(kind="pod", host_network=False, tenant="acme", namespace="shop", name="acme/shop/db",
...            labels={"app": "db"}, namespace_labels={})
>>> web = Requirement("app", "In", frozenset({"web"}))
>>> lacking((Pods("acme", (web,), "shop"),), pod)
'if acme/shop/db had app=web'
>>> lacking((Pods("acme", (), None, (web,)),), pod)
'if namespace shop had app=web'
>>> lacking((Pods("acme", (web,), "desk"),), pod)
''
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.policy.labels import labels_match, terms
from compiler.policy.matcher import Matcher
from fabric.values.inventory import Endpoint


def lacking(peers: Sequence[Matcher], pod: Endpoint) -> str:
    """What would have to be so for one of these peers to mean a pod; empty where no label would do,
    or none is missing."""
    found: list[tuple[int, str]] = []
    if pod.kind != "pod" or pod.host_network:
        return ""
    for peer in peers:
        by = peer.by_labels()
        if by is None or by.cluster != pod.tenant or by.namespace not in (None, pod.namespace):
            continue
        own = tuple(t for t in by.labels if not labels_match((t,), pod.labels))
        around = tuple(
            t for t in by.namespaces or () if not labels_match((t,), pod.namespace_labels)
        )
        parts = [(pod.name, own), (f"namespace {pod.namespace}", around)]
        said = " and ".join(f"{who} had {terms(of, wide=True)}" for who, of in parts if of)
        if said:
            found.append((len(own) + len(around), f"if {said}"))
    return min(found)[1] if found else ""
