"""Services that lead elsewhere are told, and no others."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.building.cluster import cluster_network
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.values.door_names import SERVICE, DoorName
from sim.diff.service_leads import DoorChange, service_changes
from sim.names.services import every_port

PORTS = [{"port": 80, "targetPort": 8080}]


def pods(name: str, replicas: int = 1, number: int = 8080, **labels: str) -> Any:
    container = {"name": "c", "ports": [{"name": "web", "containerPort": number}]}
    template = {
        "metadata": {"labels": labels or {"app": name}},
        "spec": {"containers": [container]},
    }
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": replicas, "template": template},
    }  # fmt: skip


def service(**spec: Any) -> Any:
    given = {"selector": {"app": "db"}, "ports": PORTS, **spec}
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "data", "namespace": "shop"},
        "spec": given,
    }  # fmt: skip


def network(at: Path, *objects: Any) -> Network:
    at.mkdir(exist_ok=True)
    (at / "all.yaml").write_text("\n---\n".join(map(json.dumps, objects)))
    return cluster_network([at])


def told(tmp_path: Path, old: list[Any], new: list[Any]) -> list[DoorChange]:
    return list(service_changes(network(tmp_path / "o", *old), network(tmp_path / "n", *new)))


DB, WEB = pods("db"), pods("web")


@pytest.mark.parametrize(
    ("spec", "old", "new"),
    [
        ({"selector": {"app": "web"}}, "80/tcp to shop/db on 8080/tcp",
         "80/tcp to shop/web on 8080/tcp"),
        ({"ports": [{"port": 80, "targetPort": 9}]}, "80/tcp to shop/db on 8080/tcp",
         "80/tcp to shop/db on 9/tcp"),
        ({"ports": [{"port": 80, "targetPort": "no"}]}, "80/tcp to shop/db on 8080/tcp",
         "80/tcp to nobody"),
        ({"ports": [*PORTS, {"port": 53, "protocol": "UDP"}]}, "",
         "53/udp to shop/db on 53/udp"),
        ({"clusterIP": "None"}, "80/tcp to shop/db on 8080/tcp", "to shop/db"),
        ({"type": "ExternalName", "externalName": "db.example.org"},
         "80/tcp to shop/db on 8080/tcp", "to db.example.org, outside"),
        ({"selector": {}}, "80/tcp to shop/db on 8080/tcp", "to whom others say"),
        ({"type": "NodePort", "ports": [{**PORTS[0], "nodePort": 30080}]}, "",
         "80/tcp from 30080/tcp of nodes"),
        ({"externalIPs": ["192.0.2.7"]}, "", "from 192.0.2.7"),
    ],
)  # fmt: skip
def test_where_a_service_leads_now_and_led(tmp_path: Path, spec: Any, old: str, new: str) -> None:
    there = [DB, WEB, service(**spec)]
    (found,) = told(tmp_path, [DB, WEB, service()], there)
    assert (found.kind, found.name) == ("edited", "cluster/shop/data")
    assert ("; ".join(found.old), "; ".join(found.new)) == (old, new)
    (back,) = told(tmp_path, there, [DB, WEB, service()])
    assert (back.old, back.new) == (found.new, found.old)


def test_what_is_asked_of_a_load_balancer_counts(tmp_path: Path) -> None:
    """A balancer that serves more clients, or stands elsewhere, is another door."""
    ranges = {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}
    inside = service(type="LoadBalancer")
    inside["metadata"]["annotations"] = {"cloud.example/load-balancer-type": "Internal", "x": "y"}
    for old, was in (
        (service(**ranges), "load balancer for 10.0.0.0/8 alone"),
        (inside, "load balancer by cloud.example/load-balancer-type: Internal"),
        (service(type="LoadBalancer", loadBalancerClass="v"), "load balancer by class v"),
    ):
        (found,) = told(tmp_path, [DB, old], [DB, service(type="LoadBalancer")])
        assert (found.kind, found.old, found.new) == ("edited", (was,), ())
        assert not told(tmp_path, [DB, old], [DB, old])


def test_services_that_one_world_lacks(tmp_path: Path) -> None:
    ((new),) = told(tmp_path, [DB], [DB, service()])
    assert (new.kind, new.old, new.new) == ("new", (), ("80/tcp to shop/db on 8080/tcp",))
    ((gone),) = told(tmp_path, [DB, service()], [DB])
    assert (gone.kind, gone.old, gone.new) == ("removed", new.new, ())


def test_of_services_of_one_name_each_counts(tmp_path: Path) -> None:
    """Which one the cluster has, nobody knows."""
    twin = service(selector={"app": "web"})
    (found,) = told(tmp_path, [DB, WEB, service(), twin], [DB, WEB, twin])
    assert (found.old, found.new) == (("80/tcp to shop/db on 8080/tcp",), ())


def test_labels_and_ports_of_pods_lead_a_service_elsewhere(tmp_path: Path) -> None:
    named = service(ports=[{"port": 80, "targetPort": "web"}])
    (found,) = told(tmp_path, [DB, named], [pods("db", number=9), named])
    assert found.new == ("80/tcp to shop/db on 9/tcp",)
    (found,) = told(tmp_path, [DB, named], [pods("db", app="data"), named])
    assert found.new == ("80/tcp to nobody",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"clusterIP": "10.96.0.9"}),
        ({"type": "NodePort"}, {"type": "NodePort", "ports": [{**PORTS[0], "nodePort": 30080}]}),
        ({"type": "LoadBalancer"}, {"type": "LoadBalancer", "loadBalancerIP": "192.0.2.9"}),
        ({}, {"sessionAffinity": "ClientIP"}),
    ],
)
def test_what_kubernetes_draws_and_more_pods_are_no_change(
    tmp_path: Path, old: Any, new: Any
) -> None:
    assert told(tmp_path, [DB, service(**old)], [pods("db", 4), service(**new)]) == []
    assert told(tmp_path, [pods("db", 4), service(**new)], [DB, service(**old)]) == []


def members(replicas: int = 3) -> Any:
    own = pods("db", replicas)
    return own | {"kind": "StatefulSet", "spec": own["spec"] | {"serviceName": "db"}}


@pytest.mark.parametrize(
    ("more", "way"), [({}, "80/tcp to {} on 8080/tcp"), ({"clusterIP": "None"}, "to {}")]
)
def test_of_some_pods_those_count_that_both_worlds_have(
    tmp_path: Path, more: Any, way: str
) -> None:
    first, second, third = (
        service(selector={"statefulset.kubernetes.io/pod-name": f"db-{n}"}, **more)
        for n in (0, 1, 2)
    )
    (found,) = told(tmp_path, [members(), first], [members(), second])
    assert found.old == (way.format("some of shop/db (db-0)"),)
    assert found.new == (way.format("some of shop/db (db-1)"),)
    assert told(tmp_path, [members(), second], [members(5), second]) == []
    assert told(tmp_path, [members(2), second], [members(), third])[0].old == (
        way.format("some of shop/db (db-1)"),
    )


def test_of_pods_whose_ports_differ_those_count_that_both_worlds_have(tmp_path: Path) -> None:
    """Pods that run may differ from each other."""
    owner = [{"kind": "StatefulSet", "name": "db", "apiVersion": "apps/v1", "controller": True}]

    def running(name: str, number: int) -> Any:
        held = pods("db", number=number)["spec"]["template"]
        about = {"name": name, "namespace": "shop", "ownerReferences": owner}
        return {"apiVersion": "v1", "kind": "Pod", **held, "metadata": held["metadata"] | about}

    named = service(ports=[{"port": 80, "targetPort": "web"}])
    old = [running("db-0", 1), running("db-1", 2), named]
    (found,) = told(tmp_path, old, [running("db-0", 2), running("db-1", 1), named])
    assert found.old == (
        "80/tcp to some of shop/db (db-0) on 1/tcp",
        "80/tcp to some of shop/db (db-1) on 2/tcp",
    )
    assert told(tmp_path, old, old) == []


SPECS = st.fixed_dictionaries(
    {"selector": st.sampled_from([{"app": "db"}, {"app": "web"}, {"tier": "back"}, {"no": "one"}])},
    optional={
        "clusterIP": st.sampled_from(["None", "10.96.0.9"]),
        "ports": st.lists(
            st.fixed_dictionaries(
                {"port": st.sampled_from([80, 81]), "targetPort": st.sampled_from([80, 9, "web"])}
            ),
            min_size=1, max_size=2, unique_by=lambda port: port["port"],
        ),
    },
)  # fmt: skip
WORKLOADS = st.tuples(
    st.integers(1, 2), st.sampled_from([9, 80]), st.sampled_from([{}, {"tier": "back"}])
)


def ends(found: Network) -> set[tuple[str | None, str]]:
    """By another way: the workloads that get what the Service is sent, and where."""
    try:
        reached = every_port(found, DoorName(SERVICE, "shop/data"))
        return {(end.workload, str(at)) for end, at in reached}
    except InputError:
        return set()


@settings(max_examples=60, deadline=None)
@given(SPECS, SPECS, WORKLOADS, WORKLOADS)
def test_told_is_whatever_gets_to_other_workloads_or_ports(
    here: Any, there: Any, was: Any, now: Any
) -> None:
    """A Service that is not told gets what it is sent to the same workloads, at the same ports."""
    with tempfile.TemporaryDirectory() as folder:
        old, new = (
            network(
                Path(folder, side), pods("db", count, number, **{"app": "db", **more}), WEB,
                service(**spec),
            )
            for side, spec, (count, number, more) in (("o", here, was), ("n", there, now))
        )  # fmt: skip
        if not list(service_changes(old, new)):
            assert ends(old) == ends(new)
        if here == there and was[1:] == now[1:]:
            assert not list(service_changes(old, new))
