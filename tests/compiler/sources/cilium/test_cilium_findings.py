"""What is told of Cilium's policies: what is not evaluated, and what has no effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from admin_policy_cases import ALL, Object, admin, item, wide
from admin_policy_cases import node as node_object
from cilium_cases import DIALECT, ccnp, cnp, labels, made, pod, written
from click.testing import CliRunner

from cloison.cli import main
from compiler.policy.source import with_unclaimed
from compiler.sources import SOURCES
from compiler.sources.cilium import cilium_policy
from fabric.building.cluster import cluster_network
from fabric.diagnostics import InputError
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated


def told(folder: Path, *objects: Object, **settings: Any) -> list[Unevaluated]:
    network = cluster_network([written(folder, *objects)], dialect=DIALECT, **settings)
    return list(with_unclaimed(network, SOURCES).not_evaluated)


TEMPLATE: Object = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "shop"},
    "spec": {"template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": []}}},
}  # fmt: skip
SERVICE: Object = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "far", "namespace": "shop"},
    "spec": {"ports": [{"port": 80}]},
}  # fmt: skip
DOUBTS: list[tuple[Object, str, str, list[Object]]] = [
    (cnp(egress=[{"toFQDNs": [{"matchName": "a.io"}]}]),
     "nobody knows the addresses of a.io", "addresses", []),
    (cnp(egress=[{"toFQDNs": [{"matchPattern": "*.a.io"}]}]),
     "nobody knows the addresses of *.a.io", "addresses", []),
    (cnp(ingress=[{"fromEntities": ["kube-apiserver"]}]),
     "nobody knows the addresses of entity kube-apiserver", "addresses", []),
    (cnp(ingress=[{"fromEndpoints": [labels(**{"reserved:ingress": ""})]}]),
     "nobody knows the addresses of entity ingress", "addresses", []),
    (cnp(ingress=[{"fromCIDRSet": [{"cidrGroupRef": "g"}]}]),
     "the input has no CiliumCIDRGroup g", "addresses", []),
    (cnp(ingress=[{"fromCIDRSet": [{"cidrGroupSelector": labels(a="b")}]}]),
     "the input has no CiliumCIDRGroup with such labels", "addresses", []),
    (cnp(egress=[{"toServices": [{"k8sService": {"serviceName": "s"}}]}]),
     "the input has no Service s", "namespace", []),
    (cnp(egress=[{"toServices": [{"k8sService": {"serviceName": "far"}}]}]),
     "nobody knows what is behind Service shop/far", "namespace", [SERVICE]),
    (cnp(egress=[{"toGroups": [{"aws": {}}]}]),
     "nobody knows the addresses of its groups", "addresses", []),
    (cnp(egress=[{"toNodes": [labels(a="b")]}]),
     "it is about labels of nodes, which Cilium refuses unless it is told to read them",
     "namespace", []),
    (ccnp(ingress=[{"fromNodes": [{}]}]),
     "it is about labels of nodes, which Cilium refuses unless it is told to read them",
     "cluster", []),
    (ccnp(nodeSelector={}, ingress=[{}]),
     "it is about hosts, and whether Cilium's host firewall enforces it is not known",
     "addresses", []),
    (cnp(ingress=[{"fromEndpoints": [labels(**{"io.cilium.k8s.policy.cluster": "west"})]}]),
     "whether this cluster is called west is not known", "namespace", []),
    (cnp(endpointSelector=labels(**{"topology.kubernetes.io/zone": "x"}), ingress=[{}]),
     "it selects by label topology.kubernetes.io/zone, which pods of Pod shop/cart get with a "
     "value that the input does not say", "namespace", [TEMPLATE]),
    (cnp(ingress=[{"fromEndpoints": [labels(**{"io.cilium.k8s.namespace.labels.team": "a"})]}]),
     "it selects by label team of namespaces, which that of other may have: its object was not "
     "read", "namespace", [pod("x", "other")]),
    (wide("w", "Admin", 1, ALL, egress=[item("Accept", "to", {"nodes": {}})]),
     "Cilium refuses a policy with nodes unless it reads labels of nodes", "cluster", []),
    (wide("w", "Admin", 1, ALL, egress=[item("Accept", "to", {"domainNames": ["*.a.io"]})]),
     "nobody knows the addresses of *.a.io", "addresses", []),
    ({**cnp(), "apiVersion": "cilium.io/v2", "kind": "CiliumLocalRedirectPolicy", "spec": {}},
     "it leads packets to pods", "namespace", []),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "what", "scope", "more"), DOUBTS, ids=[d[1] for d in DOUBTS])
def test_what_nobody_knows_is_told(
    tmp_path: Path, policy: Object, what: str, scope: str, more: list[Object]
) -> None:
    found = told(tmp_path / "m", *more, policy)
    assert [(r.what, r.scope, r.kind) for r in found if r.kind == policy["kind"]] == [
        (what, scope, policy["kind"])
    ]
    assert all(record.span is not None for record in found)


def test_what_is_known_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text("a.io: [192.0.2.1]\n")
    policies = [
        cnp(egress=[{"toFQDNs": [{"matchName": "a.io"}]}]),
        cnp("q", ingress=[{"fromEntities": ["kube-apiserver", "cluster", "world", "host"]}]),
        cnp("r", ingress=[{"fromEndpoints": [labels(**{
            "io.cilium.k8s.namespace.labels.team": "a", "pod-template-hash": "x",
            "io.cilium.k8s.policy.cluster": "default"})]}]),
    ]  # fmt: skip
    settings = {"names": str(tmp_path / "n.yaml"), "entities": {"kube-apiserver": ["192.0.2.9"]}}
    assert told(tmp_path / "m", TEMPLATE, *policies, **settings) == []


def test_other_clusters_do_not_evaluate_these_kinds(tmp_path: Path) -> None:
    group = {"apiVersion": "cilium.io/v2", "kind": "CiliumCIDRGroup", "metadata": {"name": "g"}}
    path = written(tmp_path / "m", cnp(ingress=[{"nonsense": 1}]), ccnp(), group)
    found = with_unclaimed(cluster_network([path]), SOURCES).not_evaluated
    assert [(r.kind, r.scope, r.what) for r in found] == [
        (kind, scope, "a policy of a kind that cloison does not read")
        for kind, scope in (
            ("CiliumNetworkPolicy", "namespace"),
            ("CiliumClusterwideNetworkPolicy", "cluster"),
            ("CiliumCIDRGroup", "cluster"),
        )
    ]


def test_unknown_names_make_only_packets_to_the_outside_unknown(tmp_path: Path) -> None:
    folder = written(tmp_path / "m", cnp(egress=[{"toFQDNs": [{"matchName": "a.io"}]}]))
    for target, said in (("192.0.2.1:80/tcp", "unknown"), ("wild/spy:80/tcp", "deny")):
        options = ["shop/db", target, "--dialect", "cilium-1.20"]
        done = CliRunner().invoke(main, ["explain", str(folder), *options])
        assert said in done.stdout.splitlines()[0], done.stdout


def test_an_api_server_nobody_knows_may_be_a_node(tmp_path: Path) -> None:
    home = pod("home", "shop")
    home["spec"]["nodeName"] = "n1"
    objects = (node_object("n1", "172.18.0.1"), home, cnp(ingress=[
        {"fromEntities": ["kube-apiserver"]}]))  # fmt: skip
    (record,) = told(tmp_path / "m", *objects)
    assert record.addresses == ("0.0.0.0", "::", "172.18.0.1")


WARNINGS = [
    ("C677", "CiliumNetworkPolicy shop/p is about no pod",
     cnp(endpointSelector=labels(app="none"), ingress=[{}])),
    ("C677", "CiliumClusterwideNetworkPolicy p is about no pod",
     ccnp(endpointSelector=labels(**{"reserved:health": ""}), ingress=[{}])),
    ("C678", "no identity has label pod-template-hash",
     cnp(ingress=[{"fromEndpoints": [labels(**{"pod-template-hash": "x"})]}])),
    ("C679", "AdminNetworkPolicy a: Cilium does not read this kind",
     admin("a", 1, ALL, ingress=[item("Deny", "from", ALL)])),
]  # fmt: skip


@pytest.mark.parametrize(("code", "what", "policy"), WARNINGS, ids=[w[1] for w in WARNINGS])
def test_what_has_no_effect_is_told(tmp_path: Path, code: str, what: str, policy: Object) -> None:
    cluster = made(tmp_path / "m", policy)
    found = list(cilium_policy.SOURCE.lints(cluster.network, cluster.program.policy))
    assert [(d.code, what in d.message, d.span is not None) for d in found] == [(code, True, True)]


def test_policies_about_hosts_and_about_pods_that_are_there_are_no_doubt(tmp_path: Path) -> None:
    cluster = made(tmp_path / "m", ccnp(nodeSelector={}, ingress=[{}]), cnp("q", ingress=[{}]))
    assert not list(cilium_policy.SOURCE.lints(cluster.network, cluster.program.policy))


@pytest.mark.parametrize("text", ["[a]", "a.io: 192.0.2.1", "a.io: [here]",
                                  "a.io: ['::ffff:10.0.0.1']", "a.io: [1]"])  # fmt: skip
def test_a_file_of_names_has_mistakes_with_their_places(tmp_path: Path, text: str) -> None:
    (tmp_path / "n.yaml").write_text(text)
    names = str(tmp_path / "n.yaml")
    with pytest.raises(InputError) as caught:
        made(tmp_path / "m", names=names)
    (found,) = caught.value.diagnostics
    assert found.code == "C646" and found.span is not None and found.span.file.endswith("n.yaml")


def test_a_file_of_names_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        made(tmp_path / "m", names=str(tmp_path / "none.yaml"))


def test_two_policies_of_one_name_that_differ_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        made(tmp_path / "m", cnp(ingress=[{}]), cnp(egress=[{}]))
    assert {d.code for d in caught.value.diagnostics} == {"C608"}


def named(name: str, number: int | None, **told: str) -> Object:
    """A pod of app twin with a port called api, if any."""
    found = pod(name, "shop", **{"app": "twin", **told})
    port = {"name": "api", "containerPort": number}
    found["spec"]["containers"][0]["ports"] = [port] if number else []
    return found


@pytest.mark.parametrize(
    ("pods", "peer", "wanted"),
    [
        ([named("a", 80), named("b", 80)], "twin", 0),
        ([named("a", 80), named("b", None)], "twin", 1),
        ([named("a", 80), named("b", 81)], "twin", 1),
        ([named("a", 80), named("b", 81)], "db", 0),
        ([named("a", 80), named("b", 81, tier="x")], "twin", 0),
        ([named("a", 80), named("b", 81, **{"pod-template-hash": "x"})], "twin", 1),
    ],
)
def test_names_of_ports_are_those_of_identities(
    tmp_path: Path, pods: list[Object], peer: str, wanted: int
) -> None:
    ports = [{"ports": [{"port": "api", "protocol": "TCP"}]}]
    rule = {"toEndpoints": [labels(app=peer)], "toPorts": ports}
    found = told(tmp_path / "m", *pods, cnp(endpointSelector=labels(app="cart"), egress=[rule]))
    assert [(r.title, r.scope) for r in found] == [("CiliumNetworkPolicy shop/p", "addresses")] * (
        wanted
    )
    into = cnp(endpointSelector=labels(app="twin"), ingress=[{"toPorts": ports}])
    assert told(tmp_path / "i", *pods, into) == []
