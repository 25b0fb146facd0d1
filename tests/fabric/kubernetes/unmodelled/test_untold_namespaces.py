"""A namespace whose object was not read may have any label: no policy selects by one as if it had
none, and no world is unknown for a selector that its labels do not decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fabric.kubernetes.manifests import load_manifests

NAME = "kubernetes.io/metadata.name"
RANCHER = "field.cattle.io/projectId"


def thing(api: str, kind: str, name: str, namespace: str, **more: Any) -> dict[str, Any]:
    about = {"name": name, "labels": more.pop("labels", {})}
    if namespace:
        about["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": about, **more}


def pod(name: str, namespace: str) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "i"}]}
    return thing("v1", "Pod", name, namespace, labels={"app": name}, spec=spec)


def space(name: str, **labels: str) -> dict[str, Any]:
    return thing("v1", "Namespace", name, "", labels=labels)


def policy(peer: Any, end: str = "ingress", about: Any = None) -> dict[str, Any]:
    rule = {{"ingress": "from", "egress": "to"}[end]: [peer]}
    spec = {"podSelector": about or {}, "policyTypes": [end.capitalize()], end: [rule]}
    return thing("networking.k8s.io/v1", "NetworkPolicy", "p", "shop", spec=spec)


def told(tmp_path: Path, *objects: dict[str, Any]) -> list[str]:
    """The namespaces that have a record, with two pods of which one is known to live in `shop`."""
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump_all([space("shop"), pod("web", "shop"), *objects]))
    return [r.name for r in load_manifests([path]).not_evaluated if r.kind == "Namespace"]


def chosen(*terms: Any, **labels: str) -> dict[str, Any]:
    found = [{"key": k, "operator": o, **({"values": [*v]} if v else {})} for k, o, *v in terms]
    return {"namespaceSelector": {"matchLabels": labels, "matchExpressions": found}}


@pytest.mark.parametrize("end", ["ingress", "egress"])
@pytest.mark.parametrize(
    "peer",
    [
        chosen(team="a"),
        chosen(("team", "NotIn", "a")),
        chosen(("team", "Exists")),
        chosen(("team", "DoesNotExist")),
        chosen(("team", "In", "a"), (NAME, "In", "rest", "other")),
    ],
)
def test_a_selector_that_asks_for_another_label(tmp_path: Path, end: str, peer: Any) -> None:
    for known, count in (([], 1), ([space("rest")], 0), ([space("rest", team="a")], 0)):
        assert told(tmp_path, pod("db", "rest"), policy(peer, end), *known) == ["rest"] * count


@pytest.mark.parametrize(
    "peer",
    [
        {"podSelector": {}},
        {"namespaceSelector": {}},
        chosen(**{NAME: "rest"}),
        chosen((NAME, "NotIn", "shop")),
        chosen(**{NAME: "shop", "team": "a"}),
        {**chosen(team="a"), "podSelector": {"matchLabels": {"app": "nobody"}}},
        {"ipBlock": {"cidr": "10.0.0.0/8"}},
    ],
)
def test_a_selector_that_other_labels_do_not_decide(tmp_path: Path, peer: Any) -> None:
    assert not told(tmp_path, pod("db", "rest"), policy(peer))


def test_a_policy_about_nobody_and_a_namespace_without_pods(tmp_path: Path) -> None:
    nobody = policy(chosen(team="a"), about={"matchLabels": {"app": "nobody"}})
    assert not told(tmp_path, pod("db", "rest"), nobody)
    service = thing("v1", "Service", "s", "rest", spec={"ports": [{"port": 80}]})
    assert not told(tmp_path, service, policy(chosen(team="a")))


@pytest.mark.parametrize("key", [RANCHER, "up.tree.hnc.x-k8s.io/depth"])
def test_labels_that_controllers_give_to_namespaces(tmp_path: Path, key: str) -> None:
    peer = chosen(**{key: "1"})
    assert told(tmp_path, policy(peer), pod("db", "rest"), space("rest")) == ["rest", "shop"]
    shown = space("rest", **{key: "2"})
    assert told(tmp_path, policy(peer), pod("db", "rest"), shown) == ["shop"]


def wide(subject: Any, peer: Any = None, end: str = "ingress") -> dict[str, Any]:
    rule = {"action": "Deny", {"ingress": "from", "egress": "to"}[end]: [peer]}
    spec = {"priority": 1, "subject": subject, end: [rule] if peer else []}
    api = "policy.networking.k8s.io/v1alpha1"
    return thing(api, "AdminNetworkPolicy", "p", "", spec=spec)


TEAM: dict[str, Any] = {"matchLabels": {"team": "a"}}
ALL: dict[str, Any] = {"namespaces": {}}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (wide({"namespaces": TEAM}), ["rest"]),
        (wide({"pods": {"namespaceSelector": TEAM, "podSelector": {}}}), ["rest"]),
        (wide(ALL, {"namespaces": TEAM}), ["rest"]),
        (wide(ALL, {"namespaces": TEAM}, "egress"), ["rest"]),
        (wide(ALL, {"pods": {"namespaceSelector": TEAM, "podSelector": {}}}), ["rest"]),
        (wide({"namespaces": {"matchLabels": {NAME: "shop"}}}, {"namespaces": TEAM}), ["rest"]),
        (wide({"namespaces": {"matchLabels": {NAME: "none"}}}, {"namespaces": TEAM}), []),
        (wide(ALL, ALL), []),
        (wide(ALL, {"pods": {"namespaceSelector": TEAM,
                             "podSelector": {"matchLabels": {"app": "nobody"}}}}), []),
        (wide({}, {"namespaces": TEAM}), []),
        (wide(ALL, {"networks": ["10.0.0.0/8"]}, "egress"), []),
    ],
)  # fmt: skip
def test_policies_of_the_whole_cluster(tmp_path: Path, asked: Any, names: list[str]) -> None:
    assert told(tmp_path, pod("db", "rest"), asked) == names
    assert not told(tmp_path, pod("db", "rest"), asked, space("rest"))


def test_a_policy_of_the_whole_cluster_is_named_without_a_namespace(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump_all([pod("db", "rest"), wide(ALL, {"namespaces": TEAM})]))
    (record,) = (r for r in load_manifests([path]).not_evaluated if r.kind == "Namespace")
    assert record.what.startswith("AdminNetworkPolicy p selects it by label team")


def test_one_record_for_a_namespace_says_which_policy_and_label(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    again = policy(chosen(team="b"))
    again["metadata"]["name"] = "q"
    path.write_text(yaml.safe_dump_all([pod("db", "rest"), policy(chosen(team="a")), again]))
    assert not load_manifests([path]).not_evaluated, "the policies are about nobody"
    path.write_text(path.read_text() + "---\n" + yaml.safe_dump(pod("web", "shop")))
    first, second = load_manifests([path]).not_evaluated
    assert (first.name, second.name, first.scope) == ("rest", "shop", "namespace")
    assert "NetworkPolicy shop/p" in first.what and "label team" in first.what
    assert first.span is not None and first.span.line > 1
