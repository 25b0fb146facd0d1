"""Wiring that is written down: as good as a Clos that is counted, and refused with its line."""
# ruff: noqa: E501 (one case, one line)

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from irregular_site import IRREGULAR, file

from cloison.cli import main
from fabric.building.build import build
from fabric.building.load import load, load_fabric
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.clos import build_fabric
from fabric.wiring.topology import Fabric, Role

TENANTS = {
    "red": {"vrfs": {"main": {"prefixes": ["10.1.0.0/16", "fd00:1::/48"]}}},
    "blue": {"vrfs": {"main": {"prefixes": ["10.2.0.0/16"]}}},
}
sites = st.builds(
    lambda **sizes: sizes,
    clos=st.sampled_from(["leaf-spine", "three-tier"]),
    spines=st.integers(1, 3),
    leaves=st.integers(1, 4),
    hosts_per_pair=st.integers(1, 2),
    uplinks=st.integers(1, 2),
    borders=st.integers(0, 2),
)


def counted(site: dict[str, Any], vtep: str = "dpu") -> FabricSpec:
    more = {"pods": 2, "superspines": 2} if site["clos"] == "three-tier" else {}
    return spec_of({"s": {**site, **more}}, vtep)


def spec_of(sites_: dict[str, Any], vtep: str = "dpu") -> FabricSpec:
    whole = {"cloison": 1, "name": "x", "vtep": vtep, "sites": sites_, "tenants": TENANTS}
    return FabricSpec.model_validate(whole)


def written(fabric: Fabric) -> dict[str, Any]:
    """A fabric as one site in which everything is written down, hosts as nodes with a cable."""
    name = [node.name for node in fabric.nodes]
    nodes = {n.name: {"role": n.role.value, "pod": n.pod} for n in sorted(fabric.nodes, key=entry)}
    cables = [
        {"between": [f"{name[k.a]}:{k.a_port}", f"{name[k.b]}:{k.b_port}"], "speed": k.speed}
        for k in fabric.links
    ]
    return {"clos": "none", "nodes": nodes, "cables": cables}


def entry(node: Any) -> int:
    return int(node.index)


@settings(max_examples=25, deadline=None)
@given(sites, st.sampled_from(["dpu", "leaf"]))
def test_a_clos_that_is_written_down_is_the_one_that_is_counted(
    site: dict[str, Any], vtep: str
) -> None:
    """The same nodes, ports, numbers and routes, from the same names."""
    there = build(counted(site, vtep), lock=False)
    here = build(spec_of({"s": written(there.fabric)}, vtep), lock=False)
    assert facts(here) == facts(there)


def facts(network: Network) -> Any:
    """What people and routes see: links have no order of their own."""
    fabric = network.fabric
    name = [node.name for node in fabric.nodes]
    links = sorted(
        (name[k.a], k.a_port, name[k.b], k.b_port, k.speed, k.kind) for k in fabric.links
    )
    n = len(name)
    hops = {
        (a, b): sorted((name[to], fabric.links[link].name) for to, link in network.underlay.ecmp(a, b))
        for a in range(n)
        for b in range(n)
    }  # fmt: skip
    plan = network.plan
    routes = [network.fib.routes(*at) for at in plan.instances]
    plain = [[replace(r, origin=None) for r in rows] for rows in routes]
    ends = [(e.name, e.vtep, e.prefixes) for e in network.endpoints]
    return fabric.nodes, links, hops, plan.asn, plan.loopback, plan.rd, plain, ends


@settings(max_examples=15, deadline=None)
@given(sites, st.integers(0, 99))
def test_the_order_of_cables_says_nothing_where_ports_are_given(
    site: dict[str, Any], seed: int
) -> None:
    there = written(build_fabric(counted(site)))
    mixed = {**there, "cables": Random(seed).sample(there["cables"], len(there["cables"]))}
    one, other = (build(spec_of({"s": s}), lock=False) for s in (there, mixed))
    assert facts(one)[2:] == facts(other)[2:]


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [*map(str, arguments)])


def test_an_irregular_site_has_the_names_ports_and_numbers_that_it_says(tmp_path: Path) -> None:
    network = build(load_fabric(file(tmp_path)))
    fabric, plan = network.fabric, network.plan
    assert fabric.hosts == ("gpu-101", "gpu-102", "gpu-201")
    assert fabric.vtep_of("gpu-102").name == "bf-102"
    asn = {node.name: plan.asn[node.index] for node in fabric.nodes}
    assert (asn["Spine-A"], asn["Spine-B"], asn["tor-r1a"]) == (65000, 65000, 65101)
    assert len({asn[n] for n in ("tor-r1b", "tor-r2.lab", "gw1", "bf-101", "bf-201")}) == 5
    assert plan.vtep(fabric.node("tor-r1a").index) == "10.0.0.11"
    (up,) = [k for k in fabric.links if k.name == "tor-r1a--Spine-B"]
    assert (up.a_port, up.b_port, up.speed) == ("swp32", "swp1", 400)
    (slow,) = [k for k in fabric.links if k.name == "tor-r1b--Spine-B"]
    assert (slow.a_port, slow.b_port, slow.speed) == ("swp2", "swp2", 100)
    assert "tor-r2.lab--Spine-A#2" in {k.name for k in fabric.links}


def test_every_verb_works_on_it(tmp_path: Path) -> None:
    path = file(tmp_path)
    proof = run("verify", path, "-o", "json")
    assert proof.exit_code == 0, proof.output
    assert [e["verdict"] for e in json.loads(proof.stdout)["expectations"]] == ["holds", "holds"]
    certificate = tmp_path / "proof.json"
    assert run("verify", path, "--certificate", certificate).exit_code == 0
    assert run("verify", path, "--check-certificate", certificate).exit_code == 0
    for verb in ("topology", "addresses", "sessions", "routes", "tables", "policy"):
        assert run("show", verb, path).exit_code == 0, verb
    done = run("compile", path, "-o", tmp_path / "out", "--format", "frr", "--format", "linux")
    assert done.exit_code == 0, done.output
    assert "neighbor swp1s0 interface" in (tmp_path / "out" / "frr" / "tor-r1a.conf").read_text()
    assert run("plot", path, "-o", tmp_path / "p.svg").exit_code == 0
    assert "tor-r2.lab" in run("spof", path).stdout
    told = run("explain", path, "blue/@node/gpu-102", "zone2/inet:443/tcp", "-o", "json")
    assert json.loads(told.stdout)["verdict"] == "allow"
    assert run("diff", path, path).exit_code == 0


def test_what_is_written_stands_beside_a_clos_that_is_counted(tmp_path: Path) -> None:
    """One more rack with its own leaf below the spines of a counted site."""
    text = """
cloison: 1
name: both
sites:
  s:
    hosts_per_pair: 1
    nodes:
      extra-leaf: { role: leaf }
      extra-dpu: { role: dpu, host: extra }
    cables: [extra-dpu -- extra-leaf, extra-leaf -- spine1, "extra-leaf -- spine2:swp1"]
tenants: { red: { vrfs: { main: { prefixes: [10.1.0.0/16] } } } }
"""
    network = build(load_fabric(file(tmp_path, text)))
    fabric = network.fabric
    assert fabric.hosts == ("host1", "extra")
    by_port = {(k.b, k.b_port): k.name for k in fabric.links}
    spine2 = fabric.node("spine2").index
    assert by_port[spine2, "swp1"] == "extra-leaf--spine2"
    assert len(by_port) == len(fabric.links), "no port has two cables"
    a, b = (fabric.node(n).index for n in ("extra-dpu", "dpu1"))
    assert network.underlay.reachable(a, b)
    assert len({e.host for e in network.endpoints if e.tenant == "red"}) == 2


WRONG = {
    "no node is called": ("bf-201 -- tor-r2.lab", "bf-201 -- tor-r3"),
    "is a node already": ("host: gpu-201", "host: gw1"),
    "has bf-101 already": ("host: gpu-102", "host: gpu-101"),
    "is no cable": ("bf-201 -- tor-r2.lab", "bf-201 to tor-r2.lab"),
    "has a cable already": ("bf-102:p0 -- tor-r1a:swp1s1", "bf-102:p0 -- tor-r1a:swp1s0"),
    "is cabled to itself": ("- gw1 -- Spine-B", "- gw1 -- gw1"),
    "is no DPU, and sits in no host": ("gw1: { role: border }", "gw1: { role: border, host: x }"),
    "has to be to one dpu": ("gw1: { role: border }", "gw1: { role: border }\n      x1: { role: host }"),
    "cannot be a port": ("bf-101:p0", "bf-101:p%0"),
    "AS number": ("asn: 65101", "asn: 0"),
    "is not an IPv4": ("loopback: 10.0.0.11", "loopback: ten"),
    "has that loopback already": ("tor-r1b: { role: leaf, rack: r1 }", "tor-r1b: { role: leaf, loopback: 10.0.0.11 }"),
}  # fmt: skip


@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_wired_is_told_with_its_line(tmp_path: Path, said: str) -> None:
    old, new = WRONG[said]
    assert old in IRREGULAR
    with pytest.raises(InputError) as raised:
        load_fabric(file(tmp_path, IRREGULAR.replace(old, new)))
    wrong = next(d for d in raised.value.diagnostics if said in d.message)
    assert wrong.span is not None and wrong.span.line > 5
    assert run("verify", tmp_path / "site.yaml").exit_code == 2


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = IRREGULAR
    for old, new in WRONG.values():
        text = text.replace(old, new, 1)
    with pytest.raises(InputError) as raised:
        load_fabric(file(tmp_path, text))
    assert len(raised.value.diagnostics) >= len(WRONG) - 3


def test_a_switch_that_nobody_reaches_is_a_warning(tmp_path: Path) -> None:
    text = IRREGULAR.replace("gw1: {", "lonely: { role: leaf }\n      gw1: {")
    warnings = load(file(tmp_path, text))[1]
    assert [(w.code, "lonely" in w.message) for w in warnings if w.code == "C349"] == [
        ("C349", True)
    ]


def test_two_sites_that_are_written_are_joined_by_cables_alone(tmp_path: Path) -> None:
    whole: dict[str, Any] = yaml.safe_load(IRREGULAR)
    other = {
        "clos": "none",
        "nodes": {"far-spine": {"role": "spine"}, "far-leaf": {"role": "leaf"}, "far-dpu": {"role": "dpu", "host": "far"}},
        "cables": ["far-dpu -- far-leaf", "far-leaf -- far-spine", "far-spine -- Spine-A"],
    }  # fmt: skip
    whole["sites"]["ams1"] = other
    network = build(load_fabric(file(tmp_path, yaml.safe_dump(whole, sort_keys=False))))
    kinds = {k.name: k.kind for k in network.fabric.links}
    assert kinds["far-spine--Spine-A"] == "dci" and kinds["far-leaf--far-spine"] == "fabric"
    a, b = (network.fabric.node(n).index for n in ("far-dpu", "bf-101"))
    assert network.underlay.reachable(a, b)
    roles = {node.name: (node.role, node.site) for node in network.fabric.nodes}
    assert roles["far"] == (Role.HOST, "ams1")


@pytest.mark.parametrize(
    ("near", "far", "two"),
    [
        ("", "", False),
        (":swp7", "", False),
        (":swp7", ":swp8", True),
    ],
)
def test_a_cable_that_both_of_its_sites_write_is_not_two(
    near: str, far: str, two: bool, tmp_path: Path
) -> None:
    """Without the only cable a line would hold."""
    whole: dict[str, Any] = yaml.safe_load(IRREGULAR)
    whole["sites"]["fra1"]["cables"].append(f"Spine-A{near} -- far-spine")
    nodes = {"far-spine": {"role": "spine", "asn": 65009}}
    cables = [f"far-spine -- Spine-A{far}"]
    whole["sites"]["ams1"] = {"clos": "none", "nodes": nodes, "cables": cables}
    path = file(tmp_path, yaml.safe_dump(whole, sort_keys=False))
    if two:
        links = build_fabric(load_fabric(path)).links
        assert sum(k.kind == "dci" for k in links) == 2
        return
    with pytest.raises(InputError) as raised:
        load_fabric(path)
    (told,) = raised.value.diagnostics
    assert told.code == "C347" and 'a cable that site "fra1" has' in told.message and told.span


def test_an_empty_site_is_no_fabric() -> None:
    with pytest.raises(InputError):
        Site.model_validate({"clos": "none"})
        build_fabric(spec_of({"s": {"clos": "none", "cables": ["a -- b"]}}))


def test_thousands_of_mistakes_are_told_in_little_time() -> None:
    """What was meant is looked for among all nodes, and so for the first mistakes alone."""
    nodes = {f"leaf-{n}": {"role": "leaf"} for n in range(3000)}
    cables = [f"leef-{n} -- leaf-0" for n in range(3000)]
    began = process_time()
    with pytest.raises(InputError) as raised:
        build_fabric(spec_of({"s": {"clos": "none", "nodes": nodes, "cables": cables}}))
    hints = [d.hint for d in raised.value.diagnostics]
    assert hints[0] == 'did you mean "leaf-0"?' and len(hints) == 3000 and hints[-1] is None
    assert process_time() - began < 5


def test_only_tops_of_two_sites_are_joined_as_sites() -> None:
    """A cable between leaves of two sites is one of the fabric; hosts are where their DPUs are."""
    nodes = [
        {f"{s}-leaf": {"role": "leaf", "pod": 3}, f"{s}-top": {"role": "spine", "pod": 3},
         f"{s}-dpu": {"role": "dpu", "host": f"{s}-host", "pod": 3}}
        for s in "ab"
    ]  # fmt: skip
    near = ["a-dpu -- a-leaf", "a-leaf -- a-top", "a-leaf -- b-leaf", "a-top -- b-top"]
    far = ["b-dpu -- b-leaf", "b-leaf -- b-top", "a-leaf -- b-top"]
    sites_ = {s: {"clos": "none", "nodes": n, "cables": c}
              for s, n, c in zip("ab", nodes, (near, far), strict=True)}  # fmt: skip
    fabric = build_fabric(spec_of(sites_))
    assert [k.name for k in fabric.links if k.kind == "dci"] == ["a-top--b-top"]
    assert {(n.site, n.pod) for n in fabric.nodes} == {("a", 3), ("b", 3)}


@pytest.mark.parametrize("more", ["gpu-201 -- tor-r2.lab", "gpu-201 -- bf-201", "gpu-201 -- gw1"])
def test_a_host_has_no_cable_but_that_to_its_dpu(more: str, tmp_path: Path) -> None:
    """Past its DPU nobody would enforce."""
    text = IRREGULAR.replace("- bf-201 -- tor-r2.lab", f"- bf-201 -- tor-r2.lab\n      - {more}")
    with pytest.raises(InputError, match="has to be to one dpu"):
        load_fabric(file(tmp_path, text))
