"""What is said of a pod that is not there is what is said once it is: by a cluster to which it was
added by hand, and by the definition of policies."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from exposed_clusters import (
    HERE,
    KEYS,
    VALUES,
    Object,
    pod,
    policy,
    requirements,
    run,
    space,
    written,
    written_as,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cloison.loading.how import How
from cloison.verbs.exposing import exposure
from cloison.views.world import World
from compiler.compile import read_policy
from compiler.policy.ir import Direction, Packet, Policy
from compiler.policy.labels import Requirement
from compiler.policy.semantics import decide
from fabric.building.cluster import cluster_network
from fabric.building.network import Network
from fabric.diagnostics import InputError, UndecidedError
from fabric.kubernetes.files.metadata import NAME_LABEL
from fabric.values.inventory import Endpoint
from sim.reach.exposure import Exposure
from sim.reach.future_peers import FuturePod

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


def test_a_port_by_its_name_is_told(tmp_path: Path) -> None:
    by_name = policy("b", {}, egress=[{"ports": [{"port": "http"}]}])
    written(tmp_path / "m", *HERE, by_name)
    done = run("reach", tmp_path / "m", "--exposure")
    assert "calls a port by its name" in " ".join(done.stdout.split())


def test_what_exposure_is_not_asked_of(tmp_path: Path) -> None:
    here = written(tmp_path / "m", *HERE)
    with pytest.raises(UndecidedError, match="identities"):
        exposure([here], How(dialect="cilium-1.20"), World.read([here]))
    with pytest.raises(InputError, match="stdin"):
        exposure([Path("-")], How(), World.read([here]))
    for words in (("--exposure", "-o", "dot"), ("--exposure", "--to", "a/one")):
        assert run("reach", here, *words).exit_code == 2
    assert run("reach", "topologies/small.yaml", "--exposure").exit_code == 2
