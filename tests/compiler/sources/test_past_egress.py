"""A door of a cluster is told to those whom it leads past their own egress rules, and to nobody
else: what one pod asks of another stays decided where no door makes a difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main
from cloison.loading.how import How
from cloison.loading.loader import read
from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Touching, Unevaluated

PODS = {"cidr": "0.0.0.0/0", "except": ["10.244.0.0/16"]}
NODES = {"cidr": "192.168.0.0/24"}


def pod(name: str, number: int, **container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "ns", "labels": {"app": name}},
        "spec": {"nodeName": f"n{number}", "containers": [{"name": "c", **container}]},
        "status": {"podIP": f"10.244.0.{number}", "hostIP": f"192.168.0.{number}"},
    }


def node(number: int) -> dict[str, Any]:
    address = {"type": "InternalIP", "address": f"192.168.0.{number}"}
    about = {"name": f"n{number}"}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": about, "status": {"addresses": [address]},
    }  # fmt: skip


def service(kind: str = "NodePort", port: Any = None, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": 8080, **(port or {"nodePort": 30080})}]
    chosen = {"type": kind, "selector": {"app": "t"}, "ports": ports, **spec}
    about = {"name": "door", "namespace": "ns"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": chosen}


def policy(app: str = "p", name: str = "p", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {"podSelector": {"matchLabels": {"app": app}}, **spec},
    }


def egress(*rules: Any) -> dict[str, Any]:
    return policy(policyTypes=["Egress"], egress=list(rules))


def to(*blocks: Any, ports: Any = None) -> dict[str, Any]:
    return {"to": [{"ipBlock": b} for b in blocks], **({"ports": ports} if ports else {})}


WORLD = [pod("p", 5), pod("t", 6), pod("q", 7)]
OUT = egress(to(PODS))
TO_T = {"to": [{"podSelector": {"matchLabels": {"app": "t"}}}]}


def network(tmp_path: Path, *objects: Any) -> Network:
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    found = read([path], How()).network
    assert found is not None
    return found


def told(tmp_path: Path, *objects: Any) -> list[Unevaluated]:
    found = network(tmp_path, *objects).not_evaluated
    return [r for r in found if r.category == "detour"]


@pytest.mark.parametrize(
    "door",
    [
        service(),
        service(port={"targetPort": 8080}),
        service("LoadBalancer"),
        service("ClusterIP", externalIPs=["203.0.113.9"]),
        service(externalTrafficPolicy="Local"),
    ],
)
def test_who_may_send_to_a_door_and_not_to_the_pod_behind_it(tmp_path: Path, door: Any) -> None:
    (record,) = told(tmp_path, *WORLD, door, OUT)
    assert (record.kind, record.name, record.workload) == ("Service", "door", "t")
    assert record.senders == ("ns/p",) and "ns/p" in record.what


def both(name: str, number: int) -> dict[str, Any]:
    """A pod of both families."""
    found = pod(name, number)
    ips = [{"ip": found["status"]["podIP"]}, {"ip": f"fd00:244::{number}"}]
    return {**found, "status": {**found["status"], "podIPs": ips}}


@pytest.mark.parametrize(
    ("blocks", "left"),
    [
        (["192.168.0.0/24", "10.244.0.0/16", "fd00:1::/64"], 1),
        (["192.168.0.0/24", "10.244.0.0/16", "fd00:1::/64", "fd00:244::/64"], 0),
        (["192.168.0.0/24", "10.244.0.0/16", "fd00:244::/64"], 0),
        (["192.168.0.0/24", "10.244.0.0/16"], 0),
        (["192.168.0.0/24", "fd00:1::/64", "fd00:244::/64"], 1),
    ],
)
@pytest.mark.parametrize("placed", [True, False])
def test_a_door_leads_from_one_family_to_the_same(
    tmp_path: Path, blocks: list[str], left: int, placed: bool
) -> None:
    """A rule that holds the IPv4 address of a pod says nothing of its IPv6 address."""
    rule = egress(to(*({"cidr": block} for block in blocks)))
    nodes = [node(n) for n in (5, 6, 7)]
    for number, item in zip((5, 6, 7), nodes, strict=True):
        more = {"type": "InternalIP", "address": f"fd00:1::{number}"}
        item["status"]["addresses"].append(more)
    objects = [both("p", 5), both("t", 6), both("q", 7), service(), rule]
    assert len(told(tmp_path, *objects, *(nodes if placed else ()))) == left


@pytest.mark.parametrize(
    "objects",
    [
        [service(), egress(to(PODS), TO_T)],
        [service(), egress({})],
        [service(), egress(to(PODS, ports=[{"port": 443}]))],
        [service("ClusterIP"), OUT],
        [service(selector={"app": "nobody"}), OUT],
        [service(), egress({"to": [{"podSelector": {"matchLabels": {"app": "q"}}}]})],
        [service(), policy(policyTypes=["Ingress"])],
        [service(), egress()],
        [service(), egress(to({**NODES, "except": ["192.168.0.0/25"]})), *map(node, (5, 6, 7))],
        [service("ClusterIP", externalIPs=["203.0.113.9"]), egress(to(NODES))],
    ],
)
def test_whom_a_door_does_not_help(tmp_path: Path, objects: Any) -> None:
    assert not told(tmp_path, *WORLD, *objects)


def test_nodes_of_the_input_are_all_nodes(tmp_path: Path) -> None:
    nodes = [node(n) for n in (5, 6, 7)]
    assert told(tmp_path, *WORLD, *nodes, service(), egress(to(NODES)))
    apart = {"cidr": "198.51.100.0/24"}
    assert not told(tmp_path, *WORLD, *nodes, service(), egress(to(apart)))
    assert told(tmp_path, *WORLD, service(), egress(to(apart))), "a node may be there"


INTERNET = {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "192.168.0.0/16"]}


def test_a_door_opens_at_every_address_of_every_node(tmp_path: Path) -> None:
    nodes = [node(n) for n in (5, 6, 7)]
    assert not told(tmp_path, *WORLD, *nodes, service(), egress(to(INTERNET)))
    outside = {"type": "ExternalIP", "address": "203.0.113.9"}
    nodes[0]["status"]["addresses"].append(outside)
    assert told(tmp_path, *WORLD, *nodes, service(), egress(to(INTERNET)))


def test_a_door_opens_on_nodes_without_pods(tmp_path: Path) -> None:
    nodes = [node(n) for n in (5, 6, 7, 200)]
    assert told(tmp_path, *WORLD, *nodes, service(), egress(to({"cidr": "192.168.0.200/32"})))


@pytest.mark.parametrize("hidden", ["object", "address"])
def test_a_node_without_an_address_may_have_any(tmp_path: Path, hidden: str) -> None:
    nodes, world = [node(n) for n in (5, 6)], [*WORLD[:2], pod("q", 7)]
    world[2]["status"].pop("hostIP")
    if hidden == "address":
        nodes.append({**node(7), "status": {}})
    assert told(tmp_path, *world, *nodes, service(), egress(to(INTERNET)))
    assert not told(tmp_path, *world, *nodes[:2], node(7), service(), egress(to(INTERNET)))


def test_an_external_ip_is_no_load_balancers_address(tmp_path: Path) -> None:
    nodes = [node(n) for n in (5, 6, 7)]
    door = service("LoadBalancer", externalIPs=["10.9.9.9"])
    assert told(tmp_path, *WORLD, *nodes, door, egress(to(INTERNET)))
    placed = service("LoadBalancer", externalIPs=["10.9.9.9"], loadBalancerIP="10.9.9.8")
    assert not told(tmp_path, *WORLD, *nodes, placed, egress(to(INTERNET)))


def test_the_pod_decides_where_it_sees_who_sends(tmp_path: Path) -> None:
    only_q = policy("t", "t", ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "q"}}}]}])
    assert told(tmp_path, *WORLD, service(), OUT, only_q)
    assert not told(tmp_path, *WORLD, service(externalTrafficPolicy="Local"), OUT, only_q)


@pytest.mark.parametrize(
    ("of_q", "senders"),
    [
        (to(PODS), ("ns/p", "ns/q")),
        (to(PODS, ports=[{"port": 30080}]), ("ns/p", "ns/q")),
        (to(PODS, ports=[{"port": 443}]), ("ns/p",)),
        (to({"cidr": "10.244.0.0/16"}), ("ns/p",)),
    ],
)
def test_policies_that_let_out_elsewhere_are_asked_apart(
    tmp_path: Path, of_q: Any, senders: tuple[str, ...]
) -> None:
    nodes = [node(n) for n in (5, 6, 7)]
    only = policy("q", "q", policyTypes=["Egress"], egress=[of_q])
    only["spec"]["egress"].append({**TO_T, "ports": [{"port": 9}]})
    (record,) = told(tmp_path, *WORLD, *nodes, service(), OUT, only)
    assert record.senders == senders


def test_host_ports_are_doors(tmp_path: Path) -> None:
    ports = [{"containerPort": 8080, "hostPort": 8081}]
    world = [pod("p", 5), pod("t", 6, ports=ports)]
    (record,) = told(tmp_path, *world, OUT)
    assert (record.kind, record.workload, record.senders) == ("Pod", "t", ("ns/p",))
    assert not told(tmp_path, *world, egress(to(PODS, ports=[{"port": 8080}])))
    assert told(tmp_path, *world, egress(to(PODS, ports=[{"port": 8081}])))


def test_a_record_touches_the_pair_and_nobody_else(tmp_path: Path) -> None:
    found = network(tmp_path, *WORLD, service(), OUT)
    touching = Touching(found.not_evaluated, found.endpoints)
    p, t, q = (next(e.index for e in found.endpoints if e.name == f"cluster/ns/{n}") for n in "ptq")
    assert touching.of(p, t)
    assert not touching.of(p, q) and not touching.of(q, t) and not touching.of(t)
    assert touching.asked(range(len(found.endpoints)), ["*"])


def test_replicas_of_a_workload_among_themselves(tmp_path: Path) -> None:
    first, twin = pod("p", 5), pod("p2", 8)
    owner = {"kind": "StatefulSet", "name": "p", "controller": True}
    for one in (first, twin):
        one["metadata"] |= {"labels": {"app": "p"}, "ownerReferences": [owner]}
    found = network(tmp_path, first, twin, pod("q", 7), service(selector={"app": "p"}), OUT)
    touching = Touching(found.not_evaluated, found.endpoints)
    a, b, q = (
        next(e.index for e in found.endpoints if e.name == f"cluster/ns/{n}")
        for n in ("p", "p2", "q")
    )
    assert touching.of(a, b) and not touching.of(a, q) and not touching.of(a)


def test_verbs_do_not_say_that_a_pod_is_kept_away(tmp_path: Path) -> None:
    objects = [*WORLD, service(), egress(to(PODS), {**TO_T, "ports": [{"port": 9}]})]
    (tmp_path / "m.yaml").write_text(yaml.safe_dump_all(objects))
    run = CliRunner().invoke
    for words, code in (
        (["explain", "ns/p", "ns/t:8080"], 4), (["explain", "ns/p", "ns/q:8080"], 0),
        (["explain", "ns/q", "ns/t:8080"], 0), (["reach"], 4), (["simulate", "-q"], 4),
        (["reach", "--from", "ns/p", "--to", "ns/q"], 0),
        (["reach", "--from", "ns/p", "--to", "ns/t"], 4),
    ):  # fmt: skip
        done = run(main, [words[0], str(tmp_path), *words[1:]])
        assert done.exit_code == code, (words, done.output)
    rows = run(main, ["reach", str(tmp_path), "-o", "csv"]).output.splitlines()
    marked = {tuple(r.split(",")[:2]) for r in rows if ",unknown" in r}
    assert marked == {("ns/p", "ns/t")}
    accept = ["--accept-unevaluated", "Service"]
    assert run(main, ["reach", str(tmp_path), *accept]).exit_code == 0


def test_rows_of_single_pods_are_as_unknown_as_their_workloads(tmp_path: Path) -> None:
    replicas = [pod("p-0", 5), pod("t-0", 6), pod("p-1", 7), pod("t-1", 8)]
    for one in replicas:
        name = one["metadata"]["name"][0]
        owner = {"kind": "StatefulSet", "name": name, "controller": True}
        one["metadata"] |= {"labels": {"app": name}, "ownerReferences": [owner]}
    objects = [*replicas, service(), egress(to(PODS), {**TO_T, "ports": [{"port": 9}]})]
    (tmp_path / "m.yaml").write_text(yaml.safe_dump_all(objects))
    for source, target in (("ns/p-0", "ns/t-0"), ("ns/p", "ns/t-1"), ("ns/p-1", "ns/t")):
        words = ["reach", str(tmp_path), "--from", source, "--to", target, "-o", "csv"]
        done = CliRunner().invoke(main, words)
        rows = [r for r in done.output.splitlines() if r.startswith(f"{source},")]
        assert done.exit_code == 4 and rows, done.output
        assert all(",unknown" in row for row in rows), done.output
