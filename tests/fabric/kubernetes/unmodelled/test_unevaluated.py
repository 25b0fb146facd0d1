"""Nothing that was read and may matter is left out of the list; what cannot matter is not in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from worlds import endpoint

import cloison
from fabric.building.cluster import cluster_network
from fabric.diagnostics import InputError
from fabric.kubernetes.files.kinds import (
    CLUSTER,
    IRRELEVANT,
    READ,
    READ_VERSIONS,
    WAYS,
    meaning,
    table,
)
from fabric.kubernetes.unmodelled.unevaluated import Touching, Unevaluated, accepting, pending

PODS = """
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: a }
spec: { containers: [{ name: c, image: i }] }
---
apiVersion: v1
kind: Pod
metadata: { name: db, namespace: b }
spec: { containers: [{ name: c, image: i }] }
---
"""


def manifest(api_version: str, kind: str, namespace: str = "") -> str:
    """An object with nothing in it."""
    where = f", namespace: {namespace}" if namespace else ""
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{ name: x{where} }}\nspec: {{}}\n"


def records(tmp_path: Path, *objects: str) -> tuple[Unevaluated, ...]:
    """What is not evaluated of two pods and these objects."""
    path = tmp_path / "m.yaml"
    path.write_text(PODS + "---\n".join(objects))
    return cluster_network([path]).not_evaluated


def test_every_row_of_the_table_has_a_way_that_is_explained() -> None:
    assert {m.way for m in table().values()} <= {*WAYS, IRRELEVANT}
    assert not table().keys() & READ_VERSIONS.keys()


@pytest.mark.parametrize(("group", "kind"), sorted(k for k in table() if "*" not in "".join(k)))
def test_every_kind_is_told_unless_it_is_irrelevant(tmp_path: Path, group: str, kind: str) -> None:
    version = f"{group}/v1" if group else "v1"
    found = records(tmp_path, manifest(version, kind, "a"))
    way, reach = meaning(group, "v1", kind)
    if way == IRRELEVANT:
        assert not found
    else:
        (record,) = found
        assert (record.kind, record.group, record.category) == (kind, group, way)
        assert record.span is not None
        assert (record.scope == "cluster") == (reach == CLUSTER)


@pytest.mark.parametrize(("group", "kind"), sorted(READ_VERSIONS))
def test_another_version_of_a_kind_that_is_read_is_told(
    tmp_path: Path, group: str, kind: str
) -> None:
    assert meaning(group, READ_VERSIONS[group, kind][0], kind).way == READ
    assert meaning(group, "v9", kind).way == "version"


@pytest.mark.parametrize(
    ("version", "kind", "way"),
    [
        ("metallb.io/v1beta1", "MetalLB", "workload"),
        ("metallb.io/v1beta1", "IPAddressPool", IRRELEVANT),
        ("machineconfiguration.openshift.io/v1", "MachineConfig", "network"),
        ("machineconfiguration.openshift.io/v1", "MachineConfigPool", IRRELEVANT),
    ],
)
def test_what_runs_speakers_or_sets_nodes_up_is_told(version: str, kind: str, way: str) -> None:
    assert meaning(*version.split("/"), kind).way == way


@pytest.mark.parametrize(
    ("kind", "scope"), [("AnalysisTemplate", "namespace"), ("ClusterAnalysisTemplate", "cluster")]
)
def test_an_analysis_that_runs_a_job_makes_pods(tmp_path: Path, kind: str, scope: str) -> None:
    def analysis(provider: dict[str, Any]) -> str:
        about: dict[str, Any] = {
            "name": "x",
            **({"namespace": "a"} if scope == "namespace" else {}),
        }
        spec = {"metrics": [{"name": "m", "provider": provider}]}
        shape = {"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": about}
        return json.dumps({**shape, "spec": spec}) + "\n"

    template = {"metadata": {}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    (record,) = records(tmp_path, analysis({"job": {"spec": {"template": template}}}))
    assert (record.category, record.scope) == ("workload", scope)
    assert not records(tmp_path, analysis({"prometheus": {"query": "up"}}))


def test_an_older_network_policy_is_told_and_not_read(tmp_path: Path) -> None:
    for version in ("extensions/v1beta1", "networking.k8s.io/v1beta1"):
        (record,) = records(tmp_path, manifest(version, "NetworkPolicy", "a"))
        assert record.namespace == "a"


def test_an_unknown_kind_reaches_its_namespace_or_else_the_cluster(tmp_path: Path) -> None:
    inside, outside = records(
        tmp_path, manifest("example.org/v1", "Thing", "a"), manifest("example.org/v1", "Wide")
    )
    assert (inside.category, inside.scope, outside.scope) == ("unknown", "namespace", "cluster")


def test_a_namespaced_object_touches_its_namespace_and_peers_and_nobody_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(PODS + manifest("cilium.io/v2", "CiliumNetworkPolicy", "a"))
    network = cluster_network([path])
    index = {e.name.rpartition("/")[2]: e.index for e in network.endpoints}
    touching = Touching(network.not_evaluated, network.endpoints)
    assert touching.of(index["web"], index["db"])
    assert not touching.of(index["db"], index["external"])


def test_an_object_of_a_namespace_without_pods_touches_who_asks_about_that_namespace(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(PODS + manifest("argoproj.io/v1alpha1", "Rollout", "new"))
    network = cluster_network([path])
    everybody = range(len(network.endpoints))
    touching = Touching(network.not_evaluated, network.endpoints)
    assert not touching.of(*everybody)
    for pattern in ("*", "cluster/*", "cluster/new/*", "cluster/n*/x", "*/new/x"):
        assert touching.asked(everybody, [pattern]), pattern
    for pattern in ("cluster/a/*", "cluster/b/db", "zone2/*"):
        assert not touching.asked(everybody, [pattern]), pattern


def test_what_is_about_a_cluster_touches_all_of_its_tenant_and_nobody_else() -> None:
    ends = [
        endpoint(0, "acme/web/a", 0, "10.0.0.1/32"),
        endpoint(1, "acme/@node/host1", 0, "10.0.1.1/32"),
        endpoint(2, "globex/web/a", 1, "10.0.0.1/32"),
        endpoint(3, "zone2/inet", 2, "0.0.0.0/0", host=None),
    ]
    record = Unevaluated("x/v1", "Whatnot", "", "x", None, "policy", "", "cluster", "acme")
    touching = Touching([record], ends)
    assert [bool(touching.of(e.index)) for e in ends] == [True, True, False, False]


SLICE = manifest("discovery.k8s.io/v1", "EndpointSlice", "a")
MADE = "endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io"
OF_SVC = "kubernetes.io/service-name: svc"


def labelled(*labels: str) -> str:
    return SLICE.replace("{ name: x", f"{{ labels: {{ {', '.join(labels)} }}, name: z")


def test_endpoints_that_repeat_a_service_are_nothing_new(tmp_path: Path) -> None:
    made = labelled(MADE, OF_SVC)
    older = manifest("v1", "Endpoints", "a").replace("name: x", "name: svc")
    served = manifest("v1", "Service", "a").replace("name: x", "name: svc")
    selecting = served.replace("spec: {}", "spec: { selector: { app: web } }")
    assert records(tmp_path, made, older, selecting) == ()
    api = manifest("v1", "Endpoints", "default").replace("name: x", "name: kubernetes")
    its_slice = labelled("kubernetes.io/service-name: kubernetes").replace(
        "namespace: a", "namespace: default"
    )
    assert records(tmp_path, api, its_slice.replace("name: z", "name: kubernetes")) == ()
    assert len(records(tmp_path, its_slice)) == 1, "somebody adds to the API server"


def test_a_label_does_not_make_endpoints_those_of_a_selector(tmp_path: Path) -> None:
    """Slices count by the Service's name; nobody removes the label of a controller that takes no
    interest in the Service."""
    served = manifest("v1", "Service", "a").replace("name: x", "name: svc")
    selecting = served.replace("spec: {}", "spec: { selector: { app: web } }")
    older = manifest("v1", "Endpoints", "a").replace("name: x", "name: svc")
    for told in (
        [SLICE], [labelled(MADE)], [labelled(MADE, OF_SVC)], [labelled(OF_SVC), selecting],
        [labelled(MADE, OF_SVC), served], [older, served],
    ):  # fmt: skip
        assert len(records(tmp_path, *told)) == 1, told


def test_kinds_are_accepted_by_name_and_by_group(tmp_path: Path) -> None:
    found = records(
        tmp_path,
        manifest("cilium.io/v2", "CiliumNetworkPolicy", "a"),
        manifest("crd.projectcalico.org/v1", "NetworkPolicy", "a"),
    )
    assert len(pending(found)) == 2
    for kinds, left in (
        (["CiliumNetworkPolicy"], ["NetworkPolicy"]),
        (["ciliumnetworkpolicy.cilium.io"], ["NetworkPolicy"]),
        (["NetworkPolicy.projectcalico.org"], ["CiliumNetworkPolicy", "NetworkPolicy"]),
        (["NetworkPolicy", "CiliumNetworkPolicy"], []),
    ):
        assert [r.kind for r in pending(accepting(found, kinds))] == left


def test_a_template_in_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "pods.yaml").write_text(PODS)
    (tmp_path / "policy.yaml").write_text("kind: NetworkPolicy\nname: {{ .Values.name }\n")
    (record,) = cluster_network([tmp_path]).not_evaluated
    assert (record.kind, record.scope) == ("Template", "cluster")
    (tmp_path / "policy.yaml").write_text("kind: Kustomization\nresources: [pods.yaml]\n")
    (record,) = cluster_network([tmp_path]).not_evaluated
    assert (record.kind, record.name) == ("Template", "policy.yaml")


def test_an_address_that_several_pods_report_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    status = "status: { podIP: 10.0.0.1 }\n---\n"
    one, two = PODS.split("---\n")[:2]
    path.write_text(one + status + two + status)
    found = cluster_network([path]).not_evaluated
    assert [(r.name, r.scope) for r in found] == [("web", "workload"), ("db", "workload")]


def test_addresses_of_a_node_object_are_those_of_the_node(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    node = "apiVersion: v1\nkind: Node\nmetadata: { name: n1 }\nstatus: { addresses: [{ type: "
    node += "InternalIP, address: 192.0.2.1 }] }\n---\n"
    path.write_text(node + PODS.replace("spec: { containers", "spec: { nodeName: n1, containers"))
    network = cluster_network([path])
    found = next(e for e in network.endpoints if e.name == "cluster/@node/n1")
    assert [str(p) for p in found.prefixes] == ["192.0.2.1/32"]
    assert not network.not_evaluated


def test_lists_that_are_not_followed_are_an_error(tmp_path: Path) -> None:
    inner: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    nested = [inner]
    for _ in range(11):
        nested.append({"apiVersion": "v1", "kind": "List", "items": [nested[-1]]})
    path = tmp_path / "m.json"
    path.write_text(json.dumps(nested[10]))
    cluster_network([path])
    path.write_text(json.dumps(nested[11]))
    with pytest.raises(InputError, match="more than 10 deep"):
        cluster_network([path])


@pytest.mark.parametrize(
    ("group", "kind", "name"),
    [
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps"),
        ("kustomize.config.k8s.io/v1beta1", "Template", "x.yaml"),
    ],
)
def test_a_kustomization_of_another_group_has_its_own_name(
    tmp_path: Path, group: str, kind: str, name: str
) -> None:
    about = "kind: Kustomization, metadata: {name: apps, namespace: ns}"
    (tmp_path / "x.yaml").write_text(f"{{apiVersion: {group}, {about}}}")
    about = "kind: Pod, metadata: {name: p, namespace: ns}, spec: {containers: [{name: c}]}"
    (tmp_path / "p.yaml").write_text(f"{{apiVersion: v1, {about}}}")
    (found,) = cloison.build(tmp_path).not_evaluated
    assert (found["kind"], found["name"]) == (kind, name)
