"""What is said of a pod that is not there is what is said once it is: by a cluster to which it was
added by hand, and by the definition of policies."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cloison.cli import main
from cloison.loading.how import How
from cloison.verbs.exposing import exposure
from cloison.views.world import World
from compiler.compile import read_policy
from compiler.policy.ir import Direction, Packet
from compiler.policy.labels import Requirement, labels_match
from compiler.policy.semantics import decide
from fabric.building.cluster import cluster_network
from fabric.diagnostics import InputError, UndecidedError
from sim.reach.future_peers import FuturePod, met

Object = dict[str, Any]
KEYS, VALUES = ("app", "team"), ("x", "y", "any")
operators = st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"])


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    key, operator = draw(st.sampled_from(KEYS)), draw(operators)
    some = draw(st.frozensets(st.sampled_from(VALUES), min_size=1)) if "In" in operator else ()
    return Requirement(key, operator, frozenset(some))


@given(st.lists(requirements(), max_size=4).map(tuple))
def test_a_selector_is_met_by_the_fewest_labels(selector: tuple[Requirement, ...]) -> None:
    every = [
        {k: v for k, v in zip(KEYS, values, strict=True) if v}
        for values in product((None, *VALUES, "any1"), repeat=2)
    ]
    fitting = [labels for labels in every if labels_match(selector, labels)]
    found = met(selector)
    assert (found is None) == (fitting == [])
    if found is not None:
        assert labels_match(selector, dict(found))
        assert len(found) == min(map(len, fitting))


def expression(of: Requirement) -> Object:
    values = {"values": sorted(of.values)} if of.values else {}
    return {"key": of.key, "operator": of.operator, **values}


selectors = st.lists(requirements(), max_size=2).map(
    lambda found: {"matchExpressions": list(map(expression, found))} if found else {}
)


@st.composite
def policies(draw: st.DrawFn) -> Object:
    peers = [
        {key: draw(selectors) for key in draw(st.sampled_from(
            [("podSelector",), ("namespaceSelector",), ("podSelector", "namespaceSelector")]))}
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    side, end = draw(st.sampled_from([("ingress", "from"), ("egress", "to")]))
    ports = [{"protocol": "TCP", "port": draw(st.sampled_from([80, 443]))}]
    item = {end: peers, **({"ports": ports} if draw(st.booleans()) else {})}
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": f"p{draw(st.integers(0, 9999))}",
                     "namespace": draw(st.sampled_from("ab"))},
        "spec": {"podSelector": draw(selectors), "policyTypes": [side.capitalize()],
                 side: [item] if draw(st.booleans()) else []},
    }  # fmt: skip


def pod(namespace: str, name: str, labels: dict[str, str]) -> Object:
    about = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about,
            "spec": {"containers": [{"name": "c", "image": "c"}]}}  # fmt: skip


def space(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


HERE = [
    space("a", team="x"), space("b"),
    pod("a", "one", {"app": "x"}), pod("b", "two", {"team": "y"}),
]  # fmt: skip


def written(folder: Path, *some: Object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "all.yaml").write_text(yaml.safe_dump_all(some))
    return folder


def ports_of(path: Path, source: str, target: str) -> set[tuple[int, int]]:
    """Which of some packets get from one pod to another, by the definition."""
    network = cluster_network([path])
    policy = read_policy(network)
    at = {e.name.removeprefix("cluster/"): e for e in network.endpoints}
    a, b = at[source], at[target]

    def passes(protocol: int, port: int) -> bool:
        ways = (Direction.OUT, a, b), (Direction.IN, b, a)
        packets = (
            Packet(way, i.index, 4, int(o.prefixes[0][0]), o.vrf, protocol, 40000, port)
            for way, i, o in ways
        )
        return all(decide(policy, network, packet).permit for packet in packets)

    return {asked for asked in ASKED if passes(*asked)}


ASKED = ((6, 80), (6, 443), (6, 22), (17, 80))


@settings(max_examples=25, deadline=None)
@given(some=st.lists(policies(), min_size=1, max_size=3, unique_by=lambda p: p["metadata"]["name"]))
def test_it_is_what_reach_says_once_such_a_pod_is_there(
    tmp_path_factory: pytest.TempPathFactory, some: list[Object]
) -> None:
    folder = tmp_path_factory.mktemp("exposure")
    here = written(folder / "here", *HERE, *some)
    found = exposure([here], How(), World.read([here]))
    space_of = found.found.reach.space
    told: dict[tuple[FuturePod, str, str], set[tuple[int, int]]] = {}
    for c in found.connections:
        direction, new = found.future_end(c)
        mine = c.target if direction == "ingress" else c.source
        told[new, f"{mine.namespace}/{mine.name}", direction] = {
            (protocol, port) for protocol, port in ASKED
            if (c.ports & space_of.touching([_one(protocol, port)])).any()
        }  # fmt: skip
    for number, new in enumerate(dict.fromkeys(found.pods.values())):
        name = new.namespace or "brand-new"
        more = [] if new.namespace in ("a", "b") else [space(name, **dict(new.around))]
        added = pod(name, "added", dict(new.labels))
        there = written(folder / str(number), *HERE, *some, *more, added)
        for other in ("a/one", "b/two"):
            for direction, ends in (
                ("ingress", (f"{name}/added", other)), ("egress", (other, f"{name}/added")),
            ):  # fmt: skip
                assert told.get((new, other, direction), set()) == ports_of(there, *ends), str(new)


def _one(protocol: int, port: int) -> Any:
    from fabric.values.ports import PortRange

    return PortRange(protocol, port, port)


def test_every_selector_has_a_pod_that_it_means(tmp_path: Path) -> None:
    only = {"podSelector": {"matchLabels": {"app": "x"}},
            "namespaceSelector": {"matchLabels": {"team": "z"}}}  # fmt: skip
    named = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "c"}}}
    some = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": {"podSelector": {}, "ingress": [{"from": [only, named]}]},
    }  # fmt: skip
    here = written(tmp_path / "m", *HERE, some)
    found = exposure([here], How(), World.read([here]))
    into = {
        str(found.future_end(c)[1]) for c in found.connections
        if found.future_end(c)[0] == "ingress" and c.target.namespace == "a"
    }  # fmt: skip
    assert into == {
        "new pod with app=x in a new namespace with team=z", "new pod without labels in namespace c"
    }  # fmt: skip


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [*map(str, arguments)])


def test_focus_narrows_by_workload_direction_and_protocol(tmp_path: Path) -> None:
    here = written(tmp_path / "m", *HERE)

    def rows(*focus: str) -> list[Any]:
        asked = [text for one in focus for text in ("--focus", one)]
        done = run("reach", here, "--exposure", "-o", "json", *asked)
        assert done.exit_code == 0, done.output
        found: list[Any] = json.loads(done.stdout)["rows"]
        return found

    everything = rows()
    assert {row["direction"] for row in everything} == {"ingress", "egress"}
    one = rows("workload=a/one", "direction=ingress", "protocol=udp")
    assert {(row["direction"], row["destination"]["name"]) for row in one} == {("ingress", "one")}
    assert one == rows("workload=a/one", "direction=ingress")
    both = rows("workload=a/one", "workload=b/two")
    assert len(both) == len(everything)
    focus = ("--focus", "workload=a/one", "--focus", "direction=egress")
    plain = json.loads(run("reach", here, *focus, "-o", "json").stdout)["rows"]
    assert {row["source"]["name"] for row in plain} == {"one"} and len(plain) == 2


def test_a_protocol_in_focus_leaves_rows_out(tmp_path: Path) -> None:
    some = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": {"podSelector": {}, "ingress": [{"ports": [{"protocol": "UDP", "port": 53}]}]},
    }  # fmt: skip
    here = written(tmp_path / "m", *HERE, some)
    for protocol, count in (("tcp", 0), ("udp", 1)):
        focus = ("--focus", "workload=a/one", "--focus", "direction=ingress")
        done = run("reach", here, *focus, "--focus", f"protocol={protocol}", "-o", "json")
        rows = json.loads(done.stdout)["rows"]
        assert sum(row["source"]["kind"] == "Pod" for row in rows) == count


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--focus", "pod=a/one"), "C726"),
        (("--focus", "direction=up"), "C726"),
        (("--focus", "protocol=80/tcp"), "C726"),
        (("--focus", "workload=a/none"), "C710"),
    ],
)
def test_what_nobody_is_is_no_focus(tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    here = written(tmp_path / "m", *HERE)
    for more in ((), ("--exposure",)):
        done = run("reach", here, *words, *more)
        assert done.exit_code == 2 and code in done.output


def test_what_exposure_is_not_asked_of(tmp_path: Path) -> None:
    here = written(tmp_path / "m", *HERE)
    with pytest.raises(UndecidedError, match="identities"):
        exposure([here], How(dialect="cilium-1.20"), World.read([here]))
    with pytest.raises(InputError, match="stdin"):
        exposure([Path("-")], How(), World.read([here]))
    for words in (("--exposure", "-o", "dot"), ("--exposure", "--to", "a/one")):
        assert run("reach", here, *words).exit_code == 2
    assert run("reach", "topologies/small.yaml", "--exposure").exit_code == 2
