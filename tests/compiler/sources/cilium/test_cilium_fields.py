"""Every field that Cilium's policies have says something: without it, some answer is another one.

A policy is written with a field and without it; what is asked of both are the verdicts, conditions
included, about many packets, what is not evaluated, and what is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from admin_policy_cases import Object
from cilium_cases import (
    BEHIND,
    DIALECT,
    GROUP,
    RESERVED,
    ccnp,
    cnp,
    decided,
    labels,
    pod,
    service,
    written,
)
from netpol_cases import Cluster

from compiler.policy.ir import Direction
from compiler.policy.source import with_unclaimed
from compiler.sources import SOURCES
from fabric.building.cluster import cluster_network
from fabric.diagnostics import InputError

CART = labels(app="cart")
EXPRESSION = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["cart"]}]}
WILD = labels(**{"k8s:io.kubernetes.pod.namespace": "wild"})
PORTS = [{"ports": [{"port": "80", "endPort": 90, "protocol": "TCP"}]}]
GET = {"http": [{"method": "GET", "path": "/x", "host": "a.io", "headers": ["A: b"],
                 "headerMatches": [{"name": "C", "value": "d"}]}]}  # fmt: skip
TLS = {"secret": {"name": "s", "namespace": "n"}}
FULL: list[tuple[Object, tuple[str, ...]]] = [
    (cnp(endpointSelector=labels(app="db"), ingress=[{"fromEndpoints": [CART]}]), ()),
    (cnp(endpointSelector=EXPRESSION, ingress=[{"fromEndpoints": [WILD, labels(app="db")]}]), ()),
    (cnp(ingress=[{"fromEndpoints": [EXPRESSION], "toPorts": PORTS}]), ()),
    (cnp(ingress=[{"fromEntities": ["world", "remote-node"]}]), ()),
    (cnp(ingress=[{"fromCIDR": ["192.0.2.0/25", "2001:db8::9"]}]), ()),
    (cnp(ingress=[{"fromCIDRSet": [{"cidr": "192.0.2.0/24", "except": ["192.0.2.1/32"]}]}]), ()),
    (cnp(ingress=[{"fromCIDRSet": [{"cidrGroupRef": "g", "except": ["192.0.2.1/32"]}]}]), ()),
    (cnp(ingress=[{"fromCIDRSet": [{"cidrGroupSelector": labels(of="them")}]}]), ()),
    (cnp(ingress=[{"fromNodes": [{}]}]), ()),
    (cnp(ingress=[{"fromGroups": [{"aws": {}}]}]), ("aws",)),
    (cnp(ingress=[{"fromEndpoints": [{}], "icmps": [{"fields": [
        {"family": "IPv6", "type": 128}]}]}]), ()),
    (cnp(ingress=[{"fromEndpoints": [{}], "authentication": {"mode": "required"}}]), ()),
    (cnp(ingress=[{"fromEntities": ["all"]}],
         ingressDeny=[{"fromEndpoints": [CART], "toPorts": PORTS}]), ()),
    (cnp(egress=[{"toEndpoints": [CART], "toPorts": PORTS}, {"toEntities": ["world"]}],
         egressDeny=[{"toCIDR": ["192.0.2.1"]}]), ()),
    (cnp(egress=[{"toCIDR": ["192.0.2.0/24"]}, {"toCIDRSet": [{"cidr": "203.0.113.0/24"}]}]), ()),
    (cnp(egress=[{"toServices": [{"k8sService": {"serviceName": "near", "namespace": "wild"}}]}]),
     ("namespace",)),
    (cnp(egress=[{"toServices": [{"k8sServiceSelector": {"selector": labels(of="no"),
                                                         "namespace": "wild"}}]}]),
     ("namespace",)),
    (cnp(egress=[{"toServices": [{"k8sService": {"serviceName": "far"}}]}]), ()),
    (cnp(egress=[{"toFQDNs": [{"matchName": "a.io"}, {"matchPattern": "*.b.io"}]}]), ()),
    (cnp(egress=[{"toNodes": [{}]}, {"toGroups": [{"aws": {}}]}]), ("aws",)),
    (cnp(egress=[{"toEntities": ["world"], "toPorts": [
        {"ports": [{"port": "53", "protocol": "UDP"}],
         "rules": {"dns": [{"matchName": "a.io"}, {"matchPattern": "*.b.io"}]}}]}]), ()),
    (cnp(ingress=[{"fromEndpoints": [{}], "toPorts": [
        {"ports": [{"port": "8080", "protocol": "TCP"}], "rules": GET}]}]), ("value",)),
    (cnp(egress=[{"toEntities": ["world"], "toPorts": [
        {"ports": [{"port": "8080", "protocol": "TCP"}], "serverNames": ["a.io"],
         "listener": {"envoyConfig": {"name": "e"}, "name": "l", "priority": 1},
         "terminatingTLS": TLS, "originatingTLS": TLS}]}]),
     ("envoyConfig", "priority", "secret")),
    (cnp(ingressDeny=[{"fromEntities": ["world"]}], egressDeny=[{"toEntities": ["world"]}],
         enableDefaultDeny={"ingress": False, "egress": False}), ()),
    ({**cnp(), "spec": None, "specs": [
        {"endpointSelector": CART, "ingress": [{"fromEndpoints": [{}]}]}]}, ()),
    (ccnp(nodeSelector=labels(rack="r1"), ingress=[{}]), ("rack", "matchLabels")),
    (cnp(ingress=[{}], description="d", labels=[{"key": "a"}], log={"value": "v"}),
     ("description", "labels", "log", "key", "value")),
]  # fmt: skip
"""Policies, and names of fields in them that say nothing about who reaches whom."""
KNOWN = """
    spec specs endpointSelector nodeSelector ingress ingressDeny egress egressDeny enableDefaultDeny
    description labels log matchLabels matchExpressions key operator values authentication mode
    fromEndpoints fromEntities fromCIDR fromCIDRSet fromNodes fromGroups toEndpoints toEntities
    toCIDR toCIDRSet toNodes toGroups toServices toFQDNs cidr except cidrGroupRef cidrGroupSelector
    k8sService k8sServiceSelector serviceName selector namespace matchName matchPattern toPorts
    ports port endPort protocol rules http dns method path host headers headerMatches serverNames
    listener terminatingTLS originatingTLS icmps fields family type
"""
"""The fields of both kinds of policies, in the schema of Cilium 1.20."""
ENDS = (
    "shop/cart", "shop/db", "wild/spy", "shop/third", "ip:192.0.2.1", "ip:192.0.2.2",
    "ip:203.0.113.7", "reserved:world-ipv6", "reserved:remote-node", "reserved:host",
)  # fmt: skip
PROBES = ((6, 53), (6, 80), (6, 85), (6, 8080), (17, 53), (17, 85), (17, 8080), (1, 0), (58, 0))
NAMES = "a.io: [192.0.2.1]\nx.b.io: [203.0.113.7]\n"


def answer(folder: Path, policy: Object) -> Any:
    """Everything that is said of a policy."""
    (folder / "names.yaml").write_text(NAMES)
    others = [
        pod("third", "shop"),
        GROUP,
        service("near", {"app": "spy"}, of="us"),
        service("far", None),
        BEHIND,
        policy,
    ]
    path = written(folder / "m", *others)
    names = str(folder / "names.yaml")
    try:
        network = cluster_network([path], dialect=DIALECT, entities=RESERVED, names=names)
        cluster = Cluster.of(network)
    except InputError as error:
        return [(d.code, d.message) for d in error.diagnostics]
    told = [(r.kind, r.what) for r in with_unclaimed(network, SOURCES).not_evaluated]
    found = [
        decided(cluster, direction, here, there, *probe)
        for direction in Direction
        for here in ENDS[:3]
        for there in ENDS
        if here != there
        for probe in PROBES
    ]
    return told, [(verdict.permit, verdict.conditions) for verdict in found]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all keys and items."""
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for step, below in pairs:
        if below is not None:
            yield (*path, step)
            yield from places(below, (*path, step))


def without(value: Any, path: tuple[str | int, ...]) -> Any:
    """The same without what stands at a place."""
    out = deepcopy(value)
    at = out
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return out


@pytest.mark.slices(2)
@pytest.mark.parametrize(("policy", "silent"), FULL, ids=range(len(FULL)))
def test_each_field_says_something(tmp_path: Path, policy: Object, silent: tuple[str, ...]) -> None:
    whole = answer(tmp_path, policy)
    assert isinstance(whole, tuple), whole
    for path in places({key: policy[key] for key in policy if key in ("spec", "specs")}):
        if not {*path} & {*silent}:
            assert answer(tmp_path, without(policy, path)) != whole, path


def test_all_fields_are_among_them() -> None:
    here = {str(step) for policy, _ in FULL for path in places(policy) for step in path}
    assert not {*KNOWN.split()} - here
