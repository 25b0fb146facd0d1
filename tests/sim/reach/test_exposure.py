"""What is said of a pod that is not there is what is said once it is: by a cluster to which it was
added by hand, and by the definition of policies."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloison.cli import main
from cloison.loading.how import How
from cloison.verbs.exposing import exposure
from cloison.views.world import World
from compiler.compile import read_policy
from compiler.policy.ir import Direction, Packet, Policy
from compiler.policy.labels import Requirement, labels_match
from compiler.policy.semantics import decide
from fabric.building.cluster import cluster_network
from fabric.building.network import Network
from fabric.diagnostics import InputError, UndecidedError
from fabric.kubernetes.metadata import NAME_LABEL
from fabric.values.inventory import Endpoint
from sim.reach.exposure import Exposure
from sim.reach.future_peers import MOST, FuturePod, told_apart

Object = dict[str, Any]
KEYS, VALUES = ("app", "team"), ("x", "any")
operators = st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"])


@st.composite
def requirements(draw: st.DrawFn, keys: tuple[str, ...] = KEYS) -> Requirement:
    key, operator = draw(st.sampled_from(keys)), draw(operators)
    some = draw(st.frozensets(st.sampled_from(VALUES), min_size=1)) if "In" in operator else ()
    return Requirement(key, operator, frozenset(some))


MORE_KEYS = (*KEYS, "tier")


NONE = [[Requirement(key, "DoesNotExist"), Requirement("tier", "DoesNotExist")] for key in KEYS]
NOT_X = [[Requirement(key, "NotIn", frozenset("x"))] for key in (*KEYS, *KEYS)]


@example([tuple(some) for some in (*NONE, *NOT_X)])
@given(st.lists(st.lists(requirements(MORE_KEYS), max_size=3).map(tuple), max_size=4))
def test_selectors_are_told_apart_by_the_fewest_labels(
    selectors: list[tuple[Requirement, ...]],
) -> None:
    every = [
        {k: v for k, v in zip(MORE_KEYS, values, strict=True) if v}
        for values in product((None, *VALUES, "any1"), repeat=3)
    ]
    fewest: dict[frozenset[int], int] = {}
    for labels in every:
        answers = frozenset(n for n, s in enumerate(selectors) if labels_match(s, labels))
        fewest[answers] = min(len(labels), fewest.get(answers, len(labels)))
    found = told_apart(selectors)
    assert {answers: len(labels) for answers, labels in found.items()} == fewest
    for answers, labels in found.items():
        mine = {n for n, s in enumerate(selectors) if labels_match(s, dict(labels))}
        assert mine == answers


def expression(of: Requirement) -> Object:
    values = {"values": sorted(of.values)} if of.values else {}
    return {"key": of.key, "operator": of.operator, **values}


def written_as(found: list[Requirement]) -> Object:
    return {"matchExpressions": list(map(expression, found))} if found else {}


selectors = st.lists(requirements(), max_size=2).map(written_as)
names = st.builds(
    Requirement, st.just(NAME_LABEL), st.sampled_from(["In", "NotIn"]),
    st.sampled_from(["a", "c"]).map(lambda name: frozenset({name})),
)  # fmt: skip
spaces = st.lists(st.one_of(requirements(), requirements(), names), max_size=2).map(written_as)


@st.composite
def policies(draw: st.DrawFn) -> Object:
    peers = [
        {key: draw(selectors if key == "podSelector" else spaces) for key in draw(st.sampled_from(
            [("podSelector",), ("namespaceSelector",), ("podSelector", "namespaceSelector")]))}
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    side, end = draw(st.sampled_from([("ingress", "from"), ("egress", "to")]))
    ports = [{"protocol": "TCP", "port": draw(st.sampled_from([80, 443]))}]
    item = {end: peers, **({"ports": ports} if draw(st.booleans()) else {})}
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": f"p{draw(st.integers(0, 9999))}",
                     "namespace": draw(st.sampled_from("aabbc"))},
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


def passes(
    policy: Policy, network: Network, a: Endpoint, b: Endpoint, protocol: int, port: int
) -> bool:
    """Whether a packet gets from one endpoint to another, by the definition."""
    ways = (Direction.OUT, a, b), (Direction.IN, b, a)
    packets = (
        Packet(way, i.index, 4, int(o.prefixes[0][0]), o.vrf, protocol, 40000, port)
        for way, i, o in ways
    )
    return all(decide(policy, network, packet).permit for packet in packets)


def ports_of(path: Path, source: str, target: str) -> set[tuple[int, int]]:
    """Which of some packets get from one pod to another."""
    network = cluster_network([path])
    policy = read_policy(network)
    at = {e.name.removeprefix("cluster/"): e for e in network.endpoints}
    ends = at[source], at[target]
    return {asked for asked in ASKED if passes(policy, network, *ends, *asked)}


ASKED = ((6, 80), (6, 443), (6, 22), (17, 80))


def told_by(found: Exposure) -> dict[FuturePod, dict[tuple[str, str], set[tuple[int, int]]]]:
    """Which of some packets pass between each future pod and each workload, either way."""
    out: dict[FuturePod, dict[tuple[str, str], set[tuple[int, int]]]] = {
        pod: {} for pod in found.pods.values()
    }
    for c in found.connections:
        direction, new = found.future_end(c)
        mine = c.target if direction == "ingress" else c.source
        out[new][f"{mine.namespace}/{mine.name}", direction] = {
            (protocol, port) for protocol, port in ASKED
            if (c.ports & found.found.reach.space.touching([_one(protocol, port)])).any()
        }  # fmt: skip
    return out


WORKLOADS = ("a/one", "b/two")
worlds = st.lists(policies(), min_size=1, max_size=3, unique_by=lambda p: p["metadata"]["name"])


@settings(max_examples=15, deadline=None)
@given(some=worlds)
def test_it_is_what_reach_says_once_such_a_pod_is_there(
    tmp_path_factory: pytest.TempPathFactory, some: list[Object]
) -> None:
    folder = tmp_path_factory.mktemp("exposure")
    here = written(folder / "here", *HERE, *some)
    told = told_by(exposure([here], How(), World.read([here])))
    for number, new in enumerate(told):
        name = new.namespace or "brand-new"
        more = [] if new.namespace in ("a", "b") else [space(name, **dict(new.around))]
        added = pod(name, "added", dict(new.labels))
        there = written(folder / str(number), *HERE, *some, *more, added)
        for other in WORKLOADS:
            for direction, ends in (
                ("ingress", (f"{name}/added", other)), ("egress", (other, f"{name}/added")),
            ):  # fmt: skip
                assert told[new].get((other, direction), set()) == ports_of(there, *ends), str(new)


class Placed:
    """The definition, about one pod that is put into any namespace with any labels."""

    def __init__(self, path: Path) -> None:
        self.network = cluster_network([path])
        self.policy = read_policy(self.network)
        self.at = {e.name.removeprefix("cluster/"): e for e in self.network.endpoints}

    def access(
        self, namespace: str, around: Object, labels: Object
    ) -> dict[tuple[str, str], frozenset[tuple[int, int]]]:
        """Which of some packets pass, either way; only where there are any."""
        around = {**around, NAME_LABEL: namespace}
        new = replace(
            self.at["z/added"], namespace=namespace, labels=labels, namespace_labels=around
        )
        ends = tuple(new if e.index == new.index else e for e in self.network.endpoints)
        network = replace(self.network, endpoints=ends)
        out = {}
        for name in WORKLOADS:
            mine = self.at[name]
            for direction, a, b in (("ingress", new, mine), ("egress", mine, new)):
                passing = frozenset(p for p in ASKED if passes(self.policy, network, a, b, *p))
                if passing:
                    out[name, direction] = passing
        return out


def label_sets(values: tuple[str, ...]) -> list[dict[str, str]]:
    """All labels of these keys."""
    every = product((None, *values), repeat=len(KEYS))
    return [{k: v for k, v in zip(KEYS, some, strict=True) if v} for some in every]


@settings(max_examples=15, deadline=None)
@given(some=worlds)
def test_no_labels_have_access_that_is_not_told(
    tmp_path_factory: pytest.TempPathFactory, some: list[Object]
) -> None:
    """All labels of the keys and values there are, in every namespace: by the definition."""
    folder = tmp_path_factory.mktemp("exposure")
    here = written(folder / "here", *HERE, *some)
    told = told_by(exposure([here], How(), World.read([here])))
    there = Placed(written(folder / "there", *HERE, *some, space("z"), pod("z", "added", {})))
    every = label_sets((*VALUES, "other"))
    fixed: list[tuple[str, Object]] = [("a", {"team": "x"}), ("b", {})]
    for namespace, around in (*fixed, *product(("c", "new"), every)):
        spoken_of = namespace if any(new.namespace == namespace for new in told) else ""
        known = [
            {key: frozenset(ports) for key, ports in rows.items()}
            for new, rows in told.items()
            if new.namespace == spoken_of
        ]
        for labels in every:
            access = there.access(namespace, around, labels)
            assert access in known, (namespace, around, labels)


def _one(protocol: int, port: int) -> Any:
    from fabric.values.ports import PortRange

    return PortRange(protocol, port, port)


def policy(namespace: str, about: Object, **rules: list[Object]) -> Object:
    """A NetworkPolicy; `ingress` or `egress` are its rules."""
    kinds = [side.capitalize() for side in rules]
    name = f"p-{len(about)}-{'-'.join(kinds).lower()}-{len(str(about) + str(rules))}"
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": about, "policyTypes": kinds, **rules},
    }  # fmt: skip


def labelled(**labels: str) -> Object:
    return {"matchLabels": labels}


def wanted(key: str, operator: str, *values: str) -> Object:
    return {"matchExpressions": [expression(Requirement(key, operator, frozenset(values)))]}


def into_a(path: Path, *some: Object) -> set[str]:
    """Who could get into namespace a of those that are not there; none of them is there twice."""
    here = written(path, *HERE, *some)
    found = exposure([here], How(), World.read([here]))
    assert len({*found.pods.values()}) == len(found.pods)
    return {
        str(found.future_end(c)[1]) for c in found.connections
        if found.future_end(c)[0] == "ingress" and c.target.namespace == "a"
    }  # fmt: skip


def test_every_selector_has_a_pod_that_it_means(tmp_path: Path) -> None:
    only = {"podSelector": labelled(app="x"), "namespaceSelector": labelled(team="z")}
    there = {"namespaceSelector": labelled(**{NAME_LABEL: "c"})}
    assert into_a(tmp_path, policy("a", {}, ingress=[{"from": [only, there]}])) == {
        "new pod with app=x in a new namespace with team=z",
        "new pod without labels in namespace c",
        "new pod with app=x in namespace c with team=z",
    }


def test_of_several_values_each_is_asked_about(tmp_path: Path) -> None:
    """One is let in as well as the other, and not let out."""
    either = {"podSelector": wanted("app", "In", "x", "y"), "namespaceSelector": labelled(team="z")}
    let_in = policy("a", {}, ingress=[{"from": [either]}])
    assert into_a(tmp_path / "1", let_in) == {"new pod with app=x in a new namespace with team=z"}
    inside = {"podSelector": wanted("app", "In", "x", "y")}
    let_in = policy("a", {}, ingress=[{"from": [inside]}])
    kept = policy("a", labelled(app="x"), egress=[])
    assert into_a(tmp_path / "2", let_in, kept) == {"new pod with app=y in namespace a"}


def test_a_pod_may_need_the_labels_of_two_policies(tmp_path: Path) -> None:
    """Nobody gets out but app=x, and nobody in but team=y; a third policy keeps both at home."""
    out = policy("a", {}, egress=[]), policy("a", labelled(app="x"), egress=[{}])
    into = policy("a", labelled(app="w"), ingress=[{"from": [{"podSelector": labelled(team="y")}]}])
    mine = pod("a", "three", {"app": "w"})
    here = written(tmp_path / "m", *HERE, mine, *out, into)
    found = exposure([here], How(), World.read([here]))
    reaching = {
        str(found.future_end(c)[1]) for c in found.connections
        if c.target.name == "three" and found.future_end(c)[1].namespace == "a"
    }  # fmt: skip
    assert reaching == {"new pod with app=x, team=y in namespace a"}


@pytest.mark.parametrize(
    ("about", "who"),
    [
        (wanted("app", "NotIn", "x"), {"without labels"}),
        (wanted("app", "Exists"), {"with app=any"}),
        (wanted("app", "DoesNotExist"), {"without labels"}),
        (wanted("app", "In", "any"), {"with app=any"}),
    ],
)
def test_what_a_selector_asks_of_a_key(tmp_path: Path, about: Object, who: set[str]) -> None:
    let_in = policy("a", {}, ingress=[{"from": [{"podSelector": about}]}])
    assert into_a(tmp_path, let_in) == {f"new pod {one} in namespace a" for one in who}


def test_namespaces_are_told_apart_by_expressions(tmp_path: Path) -> None:
    terms = [
        {"key": "team", "operator": "In", "values": ["u", "v"]},
        {"key": "zone", "operator": "DoesNotExist"},
        {"key": NAME_LABEL, "operator": "NotIn", "values": ["c"]},
    ]
    let_in = policy(
        "a", {}, ingress=[{"from": [{"namespaceSelector": {"matchExpressions": terms}}]}]
    )
    kept = policy("c", {}, egress=[])
    assert into_a(tmp_path / "1", let_in, kept) == {
        "new pod without labels in a new namespace with team=u"
    }
    terms = [
        {"key": NAME_LABEL, "operator": "In", "values": ["c"]},
        {"key": "team", "operator": "DoesNotExist"},
    ]
    bare = policy("a", {}, ingress=[{"from": [{"namespaceSelector": {"matchExpressions": terms}}]}])
    assert into_a(tmp_path / "3", bare) == {"new pod without labels in namespace c"}
    one = {"namespaceSelector": labelled(team="x"), "podSelector": labelled(app="x")}
    assert into_a(tmp_path / "2", policy("a", {}, ingress=[{"from": [one]}])) == {
        "new pod with app=x in namespace a", "new pod with app=x in a new namespace with team=x"
    }  # fmt: skip


def test_blocks_of_addresses_tell_no_labels_apart(tmp_path: Path) -> None:
    def told(number: int, *peers: Object) -> tuple[set[str], str]:
        let_in = policy("a", {}, ingress=[{"from": [*peers]}])
        found = into_a(tmp_path / str(number), let_in)
        text = run("reach", tmp_path / str(number), "--exposure", "-o", "json").stdout
        return found, json.loads(text)["assumed"]

    pods = {"podSelector": labelled(app="x")}
    block = {"ipBlock": {"cidr": "192.168.0.0/16"}}
    (alone, plain), (both, blocks) = told(1, pods), told(2, pods, block)
    assert alone == both == {"new pod with app=x in namespace a"}
    assert "ipBlock" in blocks and "ipBlock" not in plain


def test_a_port_by_its_name_is_told(tmp_path: Path) -> None:
    by_name = policy("b", {}, egress=[{"ports": [{"port": "http"}]}])
    written(tmp_path / "m", *HERE, by_name)
    done = run("reach", tmp_path / "m", "--exposure")
    assert "calls a port by its name" in " ".join(done.stdout.split())


def test_too_many_pods_are_unknown(tmp_path: Path) -> None:
    """Never none: labels of which any may come with any."""
    peers = [{"podSelector": wanted(f"k{n}", "Exists")} for n in range(11)]
    written(tmp_path / "m", *HERE, policy("a", {}, ingress=[{"from": peers}]))
    done = run("reach", tmp_path / "m", "--exposure")
    assert done.exit_code == 4 and "C719" in done.output and f"{MOST:,}" in done.output


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
