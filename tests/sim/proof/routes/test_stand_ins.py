"""Law of stand-ins: whoever is asked about for others fares as each of them does, with everybody
else; and answers say the same, byte by byte, as when each endpoint is a class by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from crowds import crowd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_worlds import policies, worlds
from routed import RoutedFib, at, endpoint, routed

from cloison.views.access.cluster_reach import ClusterReach
from cloison.views.world import World as Shown
from compiler.policy.ir import Action, Cidr, Direction, Named, Origin, Policy, Rule, Stage
from fabric.building.network import Network
from sim.proof.pairs.reachability import Reach, reachability
from sim.proof.routes.alike_in_routes import alike_in_routes
from sim.proof.routes.stand_ins import StandIns
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
SEEDED = st.integers(0, 2**32).map(Random)
CHOSEN = st.tuples(st.integers(0, 3), st.sampled_from([None, None, 0, 1]), st.booleans())
OUTPUTS = ("json", "table", "csv", "matrix", "dot")


def says_the_same_of_all(world: World, stand_ins: StandIns) -> None:
    """Every pair of different endpoints is listed, with what may and must pass on each path and the
    rows of policies behind it, exactly as the pair of their stand-ins is."""
    whole, part = reachability(world), reachability(world, stand_ins=stand_ins)
    asked, of = dict(told(part)), stand_ins.of.tolist()
    pairs = {}
    for (src, dst, version), said in told(whole):
        a, b = of[src], of[dst]
        other = stand_ins.second if a == b else stand_ins.first
        pairs[src, dst, version] = said
        assert asked[int(stand_ins.first[a]), int(other[b]), version] == said
    ends = range(len(world.network.endpoints))
    for (src, dst, version), said in asked.items():
        for a in (e for e in ends if of[e] == of[src]):
            for b in (e for e in ends if of[e] == of[dst] and e != a):
                assert pairs[a, b, version] == said


def told(reach: Reach) -> Iterator[tuple[tuple[int, int, int], object]]:
    """Of each pair what may pass and what surely does, and its paths without their addresses."""
    pairs, paths = reach.pairs, reach.paths
    for row in range(len(pairs)):
        span = range(int(pairs.first[row]), int(pairs.last[row]))
        each = sorted(
            (
                int(paths.hops[path]), int(paths.out_key[path]) >> 16,
                int(paths.in_key[path]) >> 16,
                reach.sets[reach.path_set[path]].tobytes(),
            )
            for path in span
        )  # fmt: skip
        key = int(pairs.src[row]), int(pairs.dst[row]), int(pairs.version[row])
        sets = (reach.sets[column[row]].tobytes() for column in (pairs.some, pairs.sure))
        yield key, (*sets, each)


@pytest.mark.slices(6)
@settings(max_examples=60, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.lists(CHOSEN, min_size=1, max_size=3))
def test_stand_ins_fare_as_those_they_stand_for(
    network: Network, policy: Policy, chosen: list[tuple[int, int | None, bool]]
) -> None:
    world = World(twins(network, chosen), policy)
    says_the_same_of_all(world, StandIns.among(world.blocks))


@pytest.mark.slices(6)
@settings(max_examples=60, deadline=None, phases=QUICK)
@given(SEEDED)
def test_and_so_they_do_beside_a_few_routes_and_cuts_that_differ(rng: Random) -> None:
    world = World(spread(rng), Policy((), ()))
    says_the_same_of_all(world, StandIns.among(world.blocks))


def test_most_of_these_are_alike_at_several_places() -> None:
    networks = [spread(Random(seed)) for seed in range(20)]
    found = [(n, StandIns.among(World(n, Policy((), ())).blocks)) for n in networks]
    assert sum(at_several(network, stand_ins) for network, stand_ins in found) > 10


def at_several(network: Network, stand_ins: StandIns) -> bool:
    """Whether members of one class live at different VTEPs."""
    ends = network.endpoints
    return any(len({ends[i].vtep for i in own.tolist()}) > 1 for own in stand_ins.members())


def spread(rng: Random) -> Network:
    """Eight endpoints of two VRFs at four VTEPs, of which most have all routes of their VRF, each
    to where the address is; here and there a route is missing, leads elsewhere or to the other
    VRF, and a pair of VTEPs is cut."""
    ends = [
        at(rng.randrange(4), endpoint(n, f"t{n % 2}/web/{n}", n % 2, f"10.0.0.{n + 1}/32"))
        for n in range(8)
    ]
    tables: dict[tuple[int, int], list[Any]] = {}
    for vtep, vrf in sorted({(v, e.vrf) for v in range(4) for e in ends}):
        rows = {str(e.prefixes[0]): [(e.vtep, vrf)] for e in ends if e.vrf == vrf}
        for prefix in sorted(rows) if rng.random() < 0.2 else ():
            other = rng.choice([None, [(rng.randrange(4), rng.randrange(2))]])
            if rng.random() < 0.3:
                rows.pop(prefix) if other is None else rows.update({prefix: other})
        tables[vtep, vrf] = [*rows.items()]
    cut = [(rng.randrange(4), rng.randrange(4))] if rng.random() < 0.3 else []
    leaks = {k: [*rows, ("10.0.0.0/29", [(0, 1)])] for k, rows in tables.items() if k[1] == 0}
    tables |= leaks if rng.random() < 0.3 else {}
    return routed([f"dpu{n}" for n in range(1, 5)], ["t0/main", "t1/main"], ends, tables, cut)


@pytest.mark.slices(6)
@settings(max_examples=60, deadline=None, phases=QUICK)
@given(SEEDED)
def test_and_so_they_do_in_clusters(rng: Random) -> None:
    with TemporaryDirectory() as folder:
        world = of(Path(folder), crowd(rng))
        says_the_same_of_all(world, StandIns.among(world.blocks))


@pytest.mark.slices(8)
@settings(max_examples=24, deadline=None, phases=QUICK)
@given(SEEDED)
def test_answers_are_those_of_each_by_itself(rng: Random) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        world = of(Path(folder), crowd(rng))
        ends = [None, *(str(p) for p in asked_names(world))]
        asked = [(None, None), *((rng.choice(ends), rng.choice(ends)) for _ in range(2))]
        output = rng.choice(OUTPUTS)
        found = [ClusterReach.of(world, *ends).written(output) for ends in asked]
        patch.setattr("sim.proof.routes.stand_ins.StandIns.among", apart)
        assert found == [ClusterReach.of(world, *ends).written(output) for ends in asked]


def twins(network: Network, chosen: list[tuple[int, int | None, bool]]) -> Network:
    """A network with copies of endpoints at addresses of their own, to which the same routes lead
    that lead to theirs; some live at another VTEP all the same, or their routes lead there."""
    ends, fib = list(network.endpoints), network.fib
    assert isinstance(fib, RoutedFib)
    tables = {at: list(routes) for at, routes in fib.tables.items()}
    for number, (of, vtep, along) in enumerate(chosen, 40):
        moved = {
            p: type(p)((int(p[0]) // 256 * 256 + number, p.prefixlen))
            for p in ends[of].prefixes[:2]
        }
        name, prefixes = f"{ends[of].name}{number}", tuple(dict.fromkeys(moved.values()))
        where = ends[of].vtep if vtep is None else vtep
        copy = replace(ends[of], index=len(ends), name=name, prefixes=prefixes, vtep=where)
        ends.append(copy)
        home = {ends[of].vtep: where} if along else {}
        for (_, vrf), routes in tables.items():
            more = [
                r._replace(prefix=moved[r.prefix], nexthops=tuple(
                    hop._replace(vtep=home.get(hop.vtep, hop.vtep)) for hop in r.nexthops))
                for r in routes if r.prefix in moved
            ]  # fmt: skip
            routes += more if vrf == ends[of].vrf else []
    return replace(network, endpoints=tuple(ends), fib=RoutedFib(tables))


def apart(blocks: Any, told: Any = ()) -> StandIns:
    """The switch: everybody stands for nobody else."""
    return StandIns.by(np.arange(len(blocks.endpoint_vrf)))


def asked_names(world: Shown) -> list[str]:
    """Workloads and pods by the names that people ask for."""
    pods = [e for e in world.network.endpoints if e.kind == "pod"]
    found = {f"{e.namespace}/{e.workload}[{e.workload_kind}]" for e in pods}
    return sorted(found | {e.name.removeprefix("cluster/") for e in pods})


def of(folder: Path, objects: list[dict[str, Any]]) -> Shown:
    """The world of some objects."""
    (folder / "all.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    )
    return Shown.read([folder])


def pod(name: str, ip: str, **more: Any) -> dict[str, Any]:
    labels, ports = more.get("labels", {"app": "web"}), more.get("ports", [])
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "i", "ports": ports}]}
    spec |= {"nodeName": more["node"]} if "node" in more else {}
    ips = [{"ip": text} for text in (ip, *more.get("also", ())) if text]
    return {
        "apiVersion": "v1", "kind": "Pod", "spec": spec,
        "metadata": {"name": name, "namespace": more.get("space", "x"), "labels": labels},
        **({"status": {"podIP": ip, "podIPs": ips}} if ip else {}),
    }  # fmt: skip


def rules(**spec: Any) -> dict[str, Any]:
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**kind, "metadata": {"name": "np", "namespace": "x"}, "spec": spec}


PROD = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "y", "labels": {"env": "p"}}}
HTTP = {"name": "http", "containerPort": 80}
ALL: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Ingress"]}
WHO: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a label, as a peer": (
        {"labels": {"app": "web", "tier": "a"}},
        rules(**ALL, ingress=[{"from": [{"podSelector": {"matchLabels": {"tier": "a"}}}]}]),
    ),
    "a label, as whom policies select": (
        {"labels": {"app": "web", "tier": "a"}},
        rules(podSelector={"matchLabels": {"tier": "a"}}, policyTypes=["Egress"]),
    ),
    "the namespace, by its labels": (
        {"space": "y"},
        rules(**ALL, ingress=[{"from": [
            {"namespaceSelector": {"matchLabels": {"env": "p"}}, "podSelector": {}}]}]),
    ),
    "the number behind a port's name, at home": (
        {"ports": [HTTP | {"containerPort": 81}]},
        rules(**ALL, ingress=[{"ports": [{"port": "http"}]}]),
    ),
    "the number behind a port's name, at the other end": (
        {"ports": [HTTP | {"containerPort": 81}]},
        rules(podSelector={}, policyTypes=["Egress"], egress=[{"ports": [{"port": "http"}]}]),
    ),
    "an address inside a block": (
        {"ip": "10.2.0.9"},
        rules(**ALL, ingress=[{"from": [{"ipBlock": {"cidr": "10.2.0.0/16"}}]}]),
    ),
    "an address among exceptions": (
        {"ip": "10.1.0.129"},
        rules(podSelector={}, policyTypes=["Egress"], egress=[
            {"to": [{"ipBlock": {"cidr": "10.1.0.0/16", "except": ["10.1.0.128/25"]}}]}]),
    ),
    "the node": (
        {"node": "n2"},
        rules(**ALL),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WHO)
def test_two_that_a_rule_tells_apart_are_two_classes(what: str, tmp_path: Path) -> None:
    """And one without the rule: a class forgets nothing, and is no finer than it must be."""
    change, policy = WHO[what]
    more = dict(change)
    space = [PROD] if more.get("space") else []
    nodes = [node("n1", 201), node("n2", 202)]
    same = {"ports": [HTTP], "node": "n1"}
    one = pod("one", "10.1.0.1", **same)
    two = pod("two", more.pop("ip", "10.1.0.2"), **{**same, **more})
    third = pod("third", "10.1.0.3", labels={"app": "db"}, node="n1")
    objects = [*space, *nodes, one, two, third]
    assert alike(of(tmp_path, objects), "one", "two")
    assert not alike(of(tmp_path, [*objects, policy]), "one", "two")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("10.1.0.1", ()), ("10.1.0.2", ("fd00::2",))),
        (("10.1.0.1", ()), ("fd00::2", ())),
        (("10.1.0.1", ("fd00::1",)), ("10.1.0.2", ())),
    ],
)
def test_so_are_two_with_addresses_of_other_families(
    first: tuple[str, tuple[str, ...]], second: tuple[str, tuple[str, ...]], tmp_path: Path
) -> None:
    some = [pod(name, ip, also=also) for name, (ip, also) in (("one", first), ("two", second))]
    assert not alike(of(tmp_path, some), "one", "two")


def test_an_address_that_is_drawn_counts_where_the_asker_says_so(tmp_path: Path) -> None:
    world = of(tmp_path, [pod("one", "10.1.0.1"), pod("two", "")])
    told = np.array(["address" in e.assumed for e in world.network.endpoints])
    assert alike(world, "one", "two")
    assert not alike(world, "one", "two", told)


def two_tenants(*first: str) -> Network:
    """Endpoints of one tenant with these prefixes, and one of another, at one DPU."""
    ends = [endpoint(n, f"acme/web/{n}", 0, prefix) for n, prefix in enumerate(first)]
    ends.append(endpoint(len(ends), "globex/web/a", 1, "10.9.0.1/32"))
    rows = [(str(p), [(0, e.vrf)]) for e in ends for p in e.prefixes]
    made = [at(0, e) for e in ends]
    return routed(["dpu1"], ["acme/main", "globex/main"], made, {(0, v): rows for v in (0, 1)})


def test_whole_prefixes_stand_for_themselves() -> None:
    for prefixes, count in (
        (("10.0.0.0/25", "10.0.0.128/25"), 3),
        (("10.0.0.1/32", "10.0.0.2/32"), 2),
    ):
        assert len(StandIns.among(World(two_tenants(*prefixes), Policy((), ())).blocks)) == count


def test_rules_of_other_vrfs_tell_apart_as_well() -> None:
    place, why = (Stage.WORKLOAD, Direction.IN, 1), Origin("NetworkPolicy", "web/a")
    globex, block = (Named(("globex/*",)),), (Cidr(ip_network("10.0.0.1/32")),)
    rule = Rule(*place, globex, block, (), Action.DENY, why)
    network = two_tenants("10.0.0.1/32", "10.0.0.2/32")
    assert len(StandIns.among(World(network, Policy((rule,), ())).blocks)) == 3


def test_of_several_that_get_what_is_for_an_address_it_matters_which_is_its_own() -> None:
    """Two at alike VTEPs, to both of which goes what is for either: a third VTEP sends it to one of
    these and to nobody's, so it gets to one of the two alone."""
    addresses = [f"10.0.0.{n + 1}/32" for n in range(3)]
    homes = (0, 1, 3)
    ends = [
        at(v, endpoint(n, f"acme/web/{n}", 0, a))
        for n, (v, a) in enumerate(zip(homes, addresses, strict=True))
    ]
    third = (addresses[2], [(3, 0)])
    tables = {
        (vtep, 0): [*((a, [(one, 0), (two, 0)]) for a in addresses[:2]), third]
        for vtep, (one, two) in ((0, (0, 1)), (1, (0, 1)), (3, (1, 2)))
    }
    network = routed([f"dpu{n}" for n in range(4)], ["acme/main"], ends, tables)
    world = World(network, Policy((), ()))
    found = StandIns.among(world.blocks)
    says_the_same_of_all(world, found)
    assert len(found) == 3
    assert len(set(alike_in_routes(world.blocks)[0][:2].tolist())) == 1


def test_routes_of_other_vrfs_tell_apart_as_well() -> None:
    """Those that lead from another VRF to one of two whose own VRF treats both alike."""
    ends = [endpoint(n, f"acme/web/{n}", 0, f"10.0.0.{n}/32") for n in (0, 1)]
    ends.append(endpoint(2, "globex/web/a", 1, "10.9.0.1/32"))
    rows = [[(str(e.prefixes[0]), [(0, e.vrf)]) for e in ends if e.vrf == v] for v in (0, 1)]
    tables = {(0, 0): rows[0], (0, 1): [*rows[1], rows[0][0]]}
    made = [at(0, e) for e in ends]
    world = World(routed(["dpu1"], ["acme/main", "globex/main"], made, tables), Policy((), ()))
    found = StandIns.among(world.blocks)
    says_the_same_of_all(world, found)
    assert len(found) == 3


@pytest.mark.parametrize(("hairpins", "classes"), [((), 1), ((0,), 2)])
def test_vteps_that_may_pass_packets_on_are_each_by_itself(
    hairpins: tuple[int, ...], classes: int
) -> None:
    ends = [at(n, endpoint(n, f"acme/web/{n}", 0, f"10.0.0.{n}/32")) for n in (0, 1)]
    rows = [(str(e.prefixes[0]), [(e.vtep, 0)]) for e in ends]
    tables = {(vtep, 0): rows for vtep in (0, 1)}
    network = routed(["dpu1", "dpu2"], ["acme/main"], ends, tables, hairpins=hairpins)
    assert len(StandIns.among(World(network, Policy((), ())).blocks)) == classes


def test_a_class_of_one_has_no_pair_within() -> None:
    found = StandIns.by(np.array([7, 3, 7, 7, 5]))
    assert (found.of.tolist(), found.first.tolist()) == ([0, 1, 0, 0, 2], [0, 1, 4])
    assert found.second.tolist() == [2, -1, -1]
    assert [own.tolist() for own in found.members()] == [[0, 2, 3], [1], [4]]
    src, dst = (column.ravel() for column in np.indices((5, 5)))
    asked = found.meet(src, dst)
    assert {*zip(src[asked].tolist(), dst[asked].tolist(), strict=True)} == {
        (0, 2), (0, 1), (0, 4), (1, 0), (1, 4), (4, 0), (4, 1)
    }  # fmt: skip


def alike(world: World, one: str, two: str, *told: Any) -> bool:
    found = StandIns.among(world.blocks, told)
    at = {e.name.rpartition("/")[2]: e.index for e in world.network.endpoints}
    return bool(found.of[at[one]] == found.of[at[two]])


def node(name: str, number: int) -> dict[str, Any]:
    status = {"addresses": [{"type": "InternalIP", "address": f"192.0.2.{number}"}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}
