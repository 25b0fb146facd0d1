"""Policies from observed flows permit exactly these, by the word of another reader of policies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from fabric_files import vrf, write_fabric
from generators_netpol import NAMESPACES, PORTS, cluster
from naive_netpol import Twin

from cloison.loading.how import How
from cloison.verbs.suggesting import edited
from cloison.views.world import World
from fabric.values.ports import PROTOCOLS
from sim.diff.permitted.least import LeastPrivilege, least
from sim.diff.permitted.observed import FlowsSeen

HOW = How(drawn="forgotten")
SINGLE = (32, 128)
ASKED = [(p, n) for p in ("TCP", "UDP", "SCTP") for n in (*PORTS, 52, 54, 79, 8079, 8081, 65534)]


def fabric(folder: Path, objects: Sequence[Any]) -> Path:
    """The objects as those of a tenant."""
    path = write_fabric(folder, {"red": vrf("10.1.0.0/16", "fd01::/64")}, {})
    (folder / "red.yaml").write_text(yaml.safe_dump_all(objects))
    return path


def random_objects(rng: Random) -> list[Any]:
    """Those of a random cluster, without pods in the network of their host."""
    out: list[Any] = []
    declared: set[str] = set()
    for one in cluster(rng):
        declared |= {one["metadata"]["name"]} if one["kind"] == "Namespace" else set()
        if one["kind"] == "Pod":
            if one["spec"].get("hostNetwork"):
                continue
            one["spec"] |= {"nodeName": "host1"} if "nodeName" in one["spec"] else {}
        out.append(one)
    more = sorted({*NAMESPACES} - declared)
    return out + [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in more]


def given(end: Any) -> set[tuple[str, str]]:
    """Labels that somebody wrote, and no controller."""
    return {(key, value) for key, value in end.labels.items() if "/" not in key}


class Pods:
    """Pods of a world, with what another reader says of policies."""

    def __init__(self, world: World, objects: Sequence[Any]) -> None:
        self.ends = [e for e in world.network.endpoints if e.kind == "pod"]
        self.addresses = {
            e.index: {p.version: str(p.network_address) for p in e.prefixes} for e in self.ends
        }
        self.old = self.reader(objects)

    def reader(self, objects: Sequence[Any]) -> Twin:
        named = {
            f"{e.namespace}/{e.name.rpartition('/')[2]}": list(self.addresses[e.index].values())
            for e in self.ends
        }
        return Twin([*objects], named)

    def pairs(self) -> list[tuple[Any, Any, int]]:
        return [
            (a, b, version)
            for a, b in product(self.ends, self.ends)
            for version in (4, 6)
            if a is not b and version in self.addresses[a.index]
            and version in self.addresses[b.index]
        ]  # fmt: skip

    def alike(self, end: Any) -> set[int]:
        """Whom labels do not tell apart, by way of whoever has no more labels than another."""
        room = [e for e in self.ends if e.namespace == end.namespace]
        found, todo = {end.index}, [end]
        while todo:
            mine = given(todo.pop())
            for other in room:
                theirs = given(other)
                if other.index not in found and (mine <= theirs or theirs <= mine):
                    found.add(other.index)
                    todo.append(other)
        return found


def observe(world: World, pods: Pods, rng: Random) -> FlowsSeen:
    seen = FlowsSeen(world)
    pairs = pods.pairs()
    for a, b, version in rng.sample(pairs, min(len(pairs), rng.choice((1, 3, 12)))):
        ends = (int(ip_address(pods.addresses[e.index][version])) for e in (a, b))
        protocol, port = rng.choice(ASKED)
        seen.add((a.vrf, version, *ends, PROTOCOLS[protocol.lower()], port), 40000)
    return seen


def one_version(pods: Pods, flows: Sequence[Any]) -> set[tuple[str, int]]:
    """Ports and versions of flows of which those alike did the same over no other version."""
    found = set()
    ends = {e.index: e for e in pods.ends}
    for flow in flows:
        froms, tos = (pods.alike(ends[at]) for at in (flow.source, flow.target))
        same = {
            f.version for f in flows
            if f.source in froms and f.target in tos
            and (f.protocol, f.dport) == (flow.protocol, flow.dport)
        }  # fmt: skip
        both = [{v for at in some for v in pods.addresses[at]} for some in (froms, tos)]
        if (both[0] & both[1]) - same:
            port = next(name for name, number in PROTOCOLS.items() if number == flow.protocol)
            found.add((f"{flow.dport}/{port}", flow.version))
    return found


def suggestion(path: Path, seen: FlowsSeen, how: How = HOW) -> LeastPrivilege:
    return least(seen.world, seen.judged(), partial(edited, path, how), SINGLE)


@pytest.mark.slices(4)
@pytest.mark.parametrize("seed", range(16))
def test_exactly_what_was_observed_is_permitted(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    objects = random_objects(rng)
    path = fabric(tmp_path, objects)
    world = World.of_fabric(path, HOW)
    pods = Pods(world, objects)
    seen = observe(world, pods, rng)
    found = suggestion(path, seen)
    written = {
        (one.document["metadata"]["namespace"], one.document["metadata"]["name"]): one.document
        for one in found.policies
    }
    kept = [
        one for one in objects
        if one["kind"] != "NetworkPolicy"
        or (one["metadata"]["namespace"], one["metadata"]["name"]) not in written
    ]  # fmt: skip
    new = pods.reader([*kept, *written.values()])
    flows = seen.found.passing
    rooms = {namespace for _, namespace in found.rooms}
    assert rooms == {
        world.network.endpoints[e].namespace for f in flows for e in (f.source, f.target)
    }
    gained = False
    for a, b, version in pods.pairs():
        src, dst = (pods.addresses[e.index][version] for e in (a, b))
        froms, tos = pods.alike(a), pods.alike(b)
        for protocol, port in ASKED:
            said = new.allows(src, dst, protocol, port)
            was = pods.old.allows(src, dst, protocol, port)
            wanted = any(
                f.source in froms and f.target in tos
                and (f.protocol, f.dport) == (PROTOCOLS[protocol.lower()], port)
                for f in flows
            )  # fmt: skip
            if {a.namespace, b.namespace} & rooms:
                assert said == wanted, (a.name, b.name, protocol, port)
            else:
                assert said == was
            gained = gained or (said and not was)
    assert not gained or found.verdict == "fails"
    assert not found.beyond and not found.stopped and not found.unasked
    assert found.gained or found.verdict == ("holds" if flows else "nothing")
    assert {(one.port, one.seen) for one in found.one_version} == one_version(pods, flows)


def pod(name: str, labels: dict[str, str], **more: Any) -> dict[str, Any]:
    """A pod of namespace x that everybody knows."""
    about = {"name": name, "namespace": "x", "labels": labels}
    spec = {"nodeName": "host1", "containers": [{"name": "c", "image": "none", **more}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


def policy(name: str, **spec: Any) -> dict[str, Any]:
    about = {"name": name, "namespace": "x"}
    head = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**head, "metadata": about, "spec": spec}


NAMED = {"ports": [{"name": "sql", "containerPort": 5432}]}
REPLICA = "statefulset.kubernetes.io/pod-name"


def seen_between(path: Path, *flows: tuple[str, str, int, int], how: How = HOW) -> FlowsSeen:
    """Flows between pods of namespace x, by protocol and port."""
    world = World.of_fabric(path, how)
    pods = Pods(world, ())
    by_name = {e.name.rpartition("/")[2]: e for e in pods.ends}
    seen = FlowsSeen(world)
    for source, target, protocol, port in flows:
        a, b = by_name[source], by_name[target]
        ends = (int(ip_address(pods.addresses[e.index][4])) for e in (a, b))
        seen.add((a.vrf, 4, *ends, protocol, port), 40000)
    return seen


@pytest.mark.parametrize("cut", [False, True])
def test_what_one_replica_alone_may_do_is_not_opened_to_all(tmp_path: Path, cut: bool) -> None:
    """No label that policies may rely on tells replicas apart; that no route leads from the other
    one now makes no difference."""
    peers = [{"podSelector": {"matchLabels": {REPLICA: "web-0"}}}]
    objects = [
        *(pod(f"web-{n}", {"app": "web", REPLICA: f"web-{n}"}) for n in (0, 1)),
        pod("db", {"app": "db"}, **NAMED),
        policy("db", podSelector={"matchLabels": {"app": "db"}}, ingress=[{"from": peers}]),
    ]
    objects[1]["spec"]["nodeName"] = "host2"
    path = fabric(tmp_path, objects)
    how = HOW.put(down=("dpu2",)) if cut else HOW
    found = suggestion(path, seen_between(path, ("web-0", "db", 6, 5432), how=how), how)
    assert found.verdict == "fails" and found.gained
    assert any("gained" in line for line in found.gained)
    assert any(change.kind == "gained" for change in found.compared.changes) is not cut


def test_ports_have_names_and_policies_that_are_there_are_gone_on_with(tmp_path: Path) -> None:
    web, db = ({"matchLabels": {"app": name}} for name in ("web", "db"))
    objects = [
        pod("web", {"app": "web", "tier": "front"}),
        pod("db", {"app": "db", "tier": "back"}, **NAMED),
        pod("idle", {"app": "idle"}),
        policy("sql", podSelector=db, ingress=[{"from": [{"podSelector": web}]}, {"ports": []}]),
        policy("old", podSelector={"matchLabels": {"tier": "front"}}, egress=[{}]),
    ]
    path = fabric(tmp_path, objects)
    found = suggestion(
        path,
        seen_between(path, ("web", "db", 6, 5432), *(("web", "db", 17, p) for p in (7, 8, 9, 11))),
    )
    assert found.verdict == "holds"
    by_name = {one.document["metadata"]["name"]: one.document["spec"] for one in found.policies}
    assert set(by_name) == {"observed-nothing-else", "observed-web", "sql", "old"}
    ports = [
        {"protocol": "TCP", "port": "sql"}, {"protocol": "UDP", "port": 7, "endPort": 9},
        {"protocol": "UDP", "port": 11},
    ]  # fmt: skip
    assert by_name["sql"]["ingress"] == [{"from": [{"podSelector": web}], "ports": ports}]
    assert by_name["old"]["ingress"] == by_name["old"]["egress"] == []
    assert all({"ingress", "egress"} <= spec.keys() for spec in by_name.values())
    assert by_name["observed-nothing-else"]["podSelector"] == {}
    lost = {(c.row.source.name, c.row.target.name) for c in found.compared.changes}
    assert ("red/x/idle", "red/x/db") in lost and ("red/x/web", "red/x/db") in lost


def test_what_was_seen_over_one_version_is_permitted_over_both_and_told(tmp_path: Path) -> None:
    path = fabric(tmp_path, [pod("web", {"app": "web"}), pod("db", {"app": "db"})])
    found = suggestion(path, seen_between(path, ("web", "db", 6, 80)))
    (told,) = found.one_version
    ends = "red/x/web", "red/x/db", "80/tcp", 4
    assert (told.source, told.target, told.port, told.seen) == ends


@pytest.mark.parametrize("flows", [(), (("web", "db", 1, 0),)])
@pytest.mark.parametrize("rooms", [None, frozenset({("red", "x")})])
def test_where_no_flow_is_taken_nothing_is_suggested(
    tmp_path: Path, flows: tuple[Any, ...], rooms: frozenset[Any] | None
) -> None:
    path = fabric(tmp_path, [pod("web", {"app": "web"}), pod("db", {"app": "db"})])
    seen = seen_between(path, *flows)
    found = least(seen.world, seen.judged(), partial(edited, path, HOW), SINGLE, rooms)
    assert found.verdict == "nothing" and not found.policies and not found.rooms
    assert len(found.unsayable) == len(flows) and not found.compared.changes


def test_what_policies_cannot_say_is_told_and_denied(tmp_path: Path) -> None:
    path = fabric(tmp_path, [pod("web", {"app": "web"}), pod("db", {"app": "db"})])
    found = suggestion(path, seen_between(path, ("web", "db", 1, 0), ("web", "db", 6, 80)))
    assert found.verdict == "holds" and found.flows == 1
    (line,) = found.unsayable
    assert line.endswith(":icmp")


def test_pods_that_no_label_tells_apart_are_one(tmp_path: Path) -> None:
    labels = {"app": "web"}, {"app": "web", "tier": "front"}
    objects = [pod("a", labels[0]), pod("b", labels[1]), pod("db", {"app": "db"})]
    path = fabric(tmp_path, objects)
    found = suggestion(path, seen_between(path, ("b", "db", 6, 80)))
    assert found.verdict == "holds" and found.merged == ("red/x: a, b",)


def test_namespaces_that_are_named_are_the_only_ones(tmp_path: Path) -> None:
    other = pod("api", {"app": "api"})
    other["metadata"]["namespace"] = "y"
    path = fabric(tmp_path, [pod("web", {"app": "web"}), pod("db", {"app": "db"}), other])
    seen = seen_between(path, ("web", "api", 6, 80), ("web", "db", 6, 80))
    read = partial(edited, path, HOW)
    only = frozenset({("red", "y")})
    found = least(seen.world, seen.judged(), read, SINGLE, only)
    assert found.verdict == "holds" and found.rooms == (("red", "y"),)
    assert {one.document["metadata"]["namespace"] for one in found.policies} == {"y"}
