"""Lines that say what is now: each holds when it is asked as one of the file, and none is missing
where nobody meets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import combinations
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import cloison
from cloison.cli import main
from cloison.views.verification.lines_to_keep import MOST_UNSAID, text
from fabric.building.network import Network
from fabric.checks import check
from fabric.file.expect.expectation_spec import Expectation
from fabric.values.ports import parse_ports
from sim.names.chosen import chosen
from sim.proof.expectations.current_lines import CurrentLines, LineJudge, current_lines
from sim.proof.expectations.expect import check_claim, read_claims
from sim.proof.pairs.reachability import Reach, reachability

Document = dict[str, Any]
NAMED = itemgetter("name")

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
WORLDS = ("small", "demo", "namespaces", "cilium", "broken/zone0-hole")


def said(name: str) -> tuple[Reach, CurrentLines]:
    world = cloison.world(TOPOLOGIES / f"{name}.yaml")
    reach = reachability(world)
    return reach, current_lines(reach, lambda _: None)


@pytest.mark.parametrize("name", WORLDS)
def test_every_line_holds_as_a_line_of_the_file(name: str) -> None:
    """The law: what is written may be kept."""
    path = TOPOLOGIES / f"{name}.yaml"
    _, found = said(name)
    assert found.lines
    lines = [{line.kind: line.text} for line in found.lines]
    wanted = [Expectation.model_validate(line) for line in lines]
    spec = cloison.load(path).model_copy(update={"expect": wanted})
    assert [d for d in check(spec) if d.severity == "error"] == []
    proof = cloison.prove(spec)
    outcomes = [row["verdict"] for row in proof.expectations.rows]
    assert outcomes == ["holds"] * len(lines)


def test_a_line_that_does_not_hold_is_not_written() -> None:
    judge = LineJudge(said("small")[0])
    for line in ("acme/web/front -> acme/catalog/api", "acme/web/front -> acme/none/api"):
        assert not [*judge.line("deny", line, "workloads")]
        assert judge.unsaid.pop() == f"{line}: holds for a part of them alone"


@pytest.mark.parametrize("name", WORLDS)
def test_whoever_meets_nobody_is_denied_by_a_line(name: str) -> None:
    """Against the pairs one by one: of two tenants that meet nowhere, and of two namespaces."""
    reach, found = said(name)
    network = reach.network
    passing = np.asarray(reach.sets.any(axis=1))[reach.pairs.some]
    pairs = zip(reach.pairs.src[passing].tolist(), reach.pairs.dst[passing].tolist(), strict=True)
    met = {frozenset((a, b)) for a, b in pairs}
    denied: set[frozenset[int]] = set()
    for line in found.lines:
        if line.kind == "deny" and line.about != "apart":
            a, b = ({e.index for e in chosen(network, end)} for end in line.text.split(" <-> "))
            denied |= {frozenset((x, y)) for x in a for y in b}
    assert denied.isdisjoint(met)
    parts: dict[str, set[int]] = {}
    for e in network.endpoints:
        part = e.namespace if e.kind == "pod" else e.kind
        parts.setdefault(f"{e.tenant}/{part}", set()).add(e.index)
    for one, mine in parts.items():
        for other, theirs in parts.items():
            both = {frozenset((x, y)) for x in mine for y in theirs}
            if one < other and both.isdisjoint(met) and said_at_all(network, both):
                assert both <= denied, (one, other)


OWN = {"a": "100.64.0.0/24", "b": "100.65.0.0/24", "c": "100.66.0.0/24"}
SOME_PORTS = ("80/tcp", "443/tcp", "53/udp")


def pod(namespace: str, name: str) -> Document:
    about = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about,
            "spec": {"containers": [{"name": "c", "image": "c"}]}}  # fmt: skip


def deployment(namespace: str, name: str) -> Document:
    inside = {"metadata": {"labels": {"app": name}},
              "spec": {"containers": [{"name": "c", "image": "c"}]}}  # fmt: skip
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}},
                     "template": inside}}  # fmt: skip


@st.composite
def policies(draw: st.DrawFn, name: str) -> Document:
    """Nobody gets in or out of some pods, but for some addresses or on some port."""
    side, end = draw(st.sampled_from([("ingress", "from"), ("egress", "to")]))
    about = draw(st.sampled_from([{}, {"matchLabels": {"app": "db"}}]))
    port, protocol = draw(st.sampled_from(SOME_PORTS)).split("/")
    rules: list[Document] = [
        {}, {end: [{"ipBlock": {"cidr": draw(st.sampled_from(sorted(OWN.values())))}}]},
        {"ports": [{"protocol": protocol.upper(), "port": int(port)}]},
    ]  # fmt: skip
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": draw(st.sampled_from("xy"))},
        "spec": {"podSelector": about, "policyTypes": [side.capitalize()],
                 side: draw(st.lists(st.sampled_from(rules), max_size=1))},
    }  # fmt: skip


@st.composite
def peerings(draw: st.DrawFn, names: tuple[str, ...]) -> Document:
    a, b = draw(st.sampled_from([*combinations(names, 2)]))
    ports = draw(st.sampled_from([None, *SOME_PORTS]))
    more = {} if ports is None else {"ports": [ports]}
    return {"name": f"{a}{b}", "between": [f"{a}/main", f"{b}/main"], **more}


@st.composite
def leaks(draw: st.DrawFn, names: tuple[str, ...]) -> Document:
    a, b = draw(st.permutations(names))[:2]
    return {"name": f"{a}{b}", "from": f"{a}/main", "prefixes": [OWN[a]], "to": [f"{b}/main"],
            "clients": [OWN[b]], "ports": [draw(st.sampled_from(SOME_PORTS))]}  # fmt: skip


@st.composite
def fabrics(draw: st.DrawFn) -> Document:
    """Two tenants or three."""
    names = draw(st.sampled_from([("a", "b"), ("a", "b", "c")]))
    tenants = {
        name: {
            "hosts": ["host1", "host2", "host3"][number:][:2],
            "vrfs": {"main": {"prefixes": [OWN[name]]}},
            "objects": [
                deployment("x", "web"), pod("x", "db"), pod("y", "job"),
                *(draw(policies(f"p{n}")) for n in range(draw(st.integers(0, 2)))),
            ],
        }
        for number, name in enumerate(names)
    }  # fmt: skip
    return {
        "cloison": 1, "name": "random", "tenants": tenants,
        "sites": {"s": {"spines": 1, "leaves": 2, "hosts_per_pair": 4, "borders": 0}},
        "peerings": draw(st.lists(peerings(names), max_size=2, unique_by=NAMED)),
        "leaks": draw(st.lists(leaks(names), max_size=1)),
    }  # fmt: skip


def changes(draw: Any, old: Document) -> Iterator[Document]:
    """Fabrics that differ in one thing that may open something."""
    names = tuple(old["tenants"])
    for kind, one in (("peerings", peerings(names)), ("leaks", leaks(names))):
        more = draw(one)
        yield {**old, kind: [*(o for o in old[kind] if o["name"] != more["name"]), more]}
    for number, peering in enumerate(old["peerings"]):
        wide = [*old["peerings"]]
        wide[number] = {key: value for key, value in peering.items() if key != "ports"}
        yield {**old, "peerings": wide}
    for name in names:
        objects = old["tenants"][name]["objects"]
        for gone in objects[3:]:
            new = deepcopy(old)
            new["tenants"][name]["objects"] = [o for o in objects if o is not gone]
            yield new


def read(folder: Path, document: Document) -> Reach:
    spec = deepcopy(document)
    for name, tenant in spec["tenants"].items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(tenant.pop("objects")))
        tenant["manifests"] = [f"{name}.yaml"]
    (folder / "fabric.yaml").write_text(yaml.safe_dump(spec))
    (folder / "fabric.lock.yaml").unlink(missing_ok=True)
    return reachability(cloison.world(folder / "fabric.yaml"))


def passing(reach: Reach) -> set[tuple[str, str, str]]:
    """Who gets to whom of another tenant on which of some ports."""
    ends, pairs, out = reach.network.endpoints, reach.pairs, set()
    for wanted in (*SOME_PORTS, "22/tcp", "sctp", "icmp"):
        open_ = (reach.sets & reach.space.touching(parse_ports(wanted))).any(axis=1)[pairs.some]
        for a, b in zip(pairs.src[open_].tolist(), pairs.dst[open_].tolist(), strict=True):
            if ends[a].tenant != ends[b].tenant:
                out.add((ends[a].name, ends[b].name, wanted))
    return out


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_whatever_a_tenant_comes_to_reach_of_another_one_breaks_a_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """All lines hold of what is; after a single change that opens something one does not."""
    folder = tmp_path_factory.mktemp("lines")
    document = data.draw(fabrics())
    old = read(folder, document)
    found = current_lines(old, lambda _: None)
    assert hold(found, old)
    before = passing(old)
    for changed in changes(data.draw, document):
        new = read(folder, changed)
        if passing(new) - before:
            assert not hold(found, new), sorted(passing(new) - before)[:3]


def hold(found: CurrentLines, reach: Reach) -> bool:
    """Whether all lines hold of a world."""
    lines = [Expectation.model_validate({line.kind: line.text}) for line in found.lines]
    spec = reach.network.spec.model_copy(update={"expect": lines})
    return all(check_claim(reach, claim).holds for claim in read_claims(spec, reach.network))


FEW = {"from": [{"ipBlock": {"cidr": "100.64.0.0/28"}}]}
ON_80: Document = {"ports": [{"protocol": "TCP", "port": 80}]}


@pytest.mark.parametrize(
    ("rules", "ports", "later"),
    [
        ([FEW], ["443/tcp"], ([FEW], ["443/tcp", "22/tcp"])),
        ([FEW, ON_80], ["80/tcp", "443/tcp"], ([{}], ["80/tcp", "443/tcp"])),
    ],
)
def test_who_has_a_part_gets_no_more(
    tmp_path: Path, rules: list[Document], ports: list[str], later: tuple[list[Document], list[str]]
) -> None:
    """Of some pods of a workload, on one host; then all of them, or all ports of those."""

    def there(rules: list[Document], ports: list[str]) -> Reach:
        about = {"name": "p", "namespace": "x"}
        spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": rules}
        kept = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": about, "spec": spec}  # fmt: skip
        objects = {"a": [deployment("x", "web")], "b": [pod("x", "db"), kept]}
        tenants = {
            name: {"hosts": ["host1", "host2"], "objects": objects[name],
                   "vrfs": {"main": {"prefixes": [OWN[name]]}}}
            for name in objects
        }  # fmt: skip
        return read(tmp_path, {
            "cloison": 1, "name": "x", "tenants": tenants,
            "sites": {"s": {"spines": 1, "leaves": 2, "hosts_per_pair": 4, "borders": 0}},
            "peerings": [{"name": "ab", "between": ["a/main", "b/main"], "ports": ports}],
        })  # fmt: skip

    old = there(rules, ports)
    found = current_lines(old, lambda _: None)
    new = there(*later)
    assert hold(found, old) and passing(new) - passing(old)
    assert not hold(found, new)


def test_pods_that_fare_differently_are_told_apart() -> None:
    """On the demo a host is being provisioned and reaches nothing but what boots it."""
    found = {str(line) for line in said("demo")[1].lines}
    assert 'deny: "training/@node/host8 -> zone[0,2]/*"' in found
    assert 'deny: "shared/@node/host[9-10]@storage -> zone2/*"' in found
    assert 'deny: "zone0/ntp -> */*/*"' in found
    assert 'deny: "inference/@node/* -> zone0/syslog:any except 6514/tcp"' in found


def test_what_no_line_can_say_is_told() -> None:
    found = said("demo")[1].unsaid
    narrow = [text for text in found if "may get the rest" in text]
    assert [text.partition(":")[0] for text in narrow] == [
        "inference/edge/gateway -> zone2/inet", "zone2/inet -> inference/edge/gateway",
    ]  # fmt: skip
    assert found[0] == (
        "inside of tenants 95 of 118 pairs of workloads, one way each, may reach more than now"
    )


def said_at_all(network: Network, pairs: set[frozenset[int]]) -> bool:
    """Whether a part shares an IP version with the other one."""
    ends = network.endpoints
    return all(
        {p.version for p in ends[a].prefixes} & {p.version for p in ends[b].prefixes}
        for a, b in (tuple(pair) for pair in pairs if len(pair) == 2)
    )


def test_tenants_that_meet_are_read_first() -> None:
    """A hole stands where somebody looks."""
    whole, broken = said("demo")[1], said("broken/zone0-hole")[1]
    new = {*map(str, broken.crossing)} - {*map(str, whole.crossing)}
    assert any("zone0" in line for line in new)
    page = text(broken)
    assert page.index("read these first") < page.index("who meets nobody")
    assert len(re.findall(r"^  # .* pairs meet$", page, re.MULTILINE)) <= 2 * MOST_UNSAID


def test_what_is_not_evaluated_leaves_no_line(tmp_path: Path) -> None:
    """An object that may decide otherwise: nothing of its cluster is said."""
    (tmp_path / "site.yaml").write_text(
        "cloison: 1\nname: x\nsites: { s: { hosts_per_pair: 2, borders: 0 } }\ntenants:\n"
        "  a: { vrfs: { main: { prefixes: [10.0.0.0/16] } }, manifests: [a.yaml] }\n"
        "  b: { vrfs: { main: { prefixes: [10.1.0.0/16] } }, manifests: [b.yaml] }\n"
    )
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: { name: NAME, namespace: web }\n"
        "spec: { containers: [ { name: c, image: i } ] }\n---\n"
    )
    (tmp_path / "a.yaml").write_text(pod.replace("NAME", "one") + pod.replace("NAME", "two"))
    (tmp_path / "b.yaml").write_text(pod.replace("NAME", "one"))
    site = str(tmp_path / "site.yaml")
    done = CliRunner().invoke(main, ["expect", site, "--from-current"])
    wanted = yaml.safe_load(done.stdout)["expect"]
    assert {"deny": "a/* <-> b/*"} in wanted and {"allow": "a/web/one -> a/web/two"} in wanted
    with (tmp_path / "b.yaml").open("a") as file:
        file.write("apiVersion: x.io/v1\nkind: Firewall\nmetadata: { name: f, namespace: web }\n")
    done = CliRunner().invoke(main, ["expect", site, "--from-current"])
    wanted = yaml.safe_load(done.stdout)["expect"]
    assert {"deny": "a/* <-> b/*"} not in wanted and {"allow": "a/web/one -> a/web/two"} in wanted
    assert "unknown" in done.stdout
