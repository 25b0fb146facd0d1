"""Hairpins that are permitted: from tunnel to tunnel, in every verb."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from any_flows import own
from click.testing import CliRunner, Result
from compiled import compile_network
from fabric_files import network_of
from hairpin_fabric import hairpin
from hypothesis import Phase, given, settings
from naive import Header, outcomes
from random_worlds import policies, worlds
from routed import at, endpoint, routed
from wired import wired

from cloison.cli import main
from compiler.compile import refuse_hairpins
from compiler.policy.ir import Policy
from compiler.program.dpu import tables_of
from compiler.targets.hosts.frr import config
from compiler.targets.hosts.nftables import ruleset
from fabric.building.network import Network
from fabric.diagnostics import UndecidedError
from sim.forwarding.one_step import Place, sender
from sim.packets.headers import Flow, Packets
from sim.packets.reasons import Reason, reasons
from sim.packets.ttl import LAST
from sim.pipeline.datapath import Datapath
from sim.pipeline.trace import trace
from sim.pipeline.ways import ways
from sim.proof.isolation.vrf_pairs import isolation
from sim.worlds.world import World

FEW = settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture
def fabric(tmp_path: Path) -> Path:
    return hairpin(tmp_path, hairpin="permit")


@FEW
@given(worlds(), policies())
def test_kernels_and_traces_take_the_ways_of_the_definition(
    network: Network, policy: Policy
) -> None:
    """Each packet, and over which links; what goes in circles is shown once round."""
    world = World(wired(network), policy)
    claimed = ((f, sender(network, f)) for f in own(network))
    flows = [replace(f, src_endpoint=end.index) for f, end in claimed if end is not None]
    packets, datapath = Packets.of(flows), Datapath.of(world, threads=1)
    found = datapath.decide(packets)
    number = reasons(world.program.stages).numbered
    links: Counter[tuple[int, int]] = Counter()
    for row, flow in enumerate(flows):
        source = sender(network, flow)
        assert source is not None
        header = Header(flow.version, flow.src, flow.dst, flow.protocol, flow.sport, flow.dport)
        done = outcomes(policy, world.network, source.index, header)
        taken = trace(world, flow)
        assert taken.reason is number[int(found.reason[row])]
        assert taken.reason in {o.reason for o in done}
        said = Counter(trace(world, flow, choice).reason for choice in range(len(done)))
        assert said == Counter(o.reason for o in done)
        if taken.reason is Reason.TTL_DROP:
            found.next_hop[row], found.out_decision[row] = -1, -1
        elif taken.out is not None and taken.out.reason is Reason.DELIVERED:
            for hops in (taken.underlay, *taken.further):
                links.update((hop.link, hop.node) for hop in hops)
    counted = datapath.walk(packets, found)[:, 0]
    ends = {link.index: (link.a, link.b) for link in world.network.fabric.links}
    told = {
        (k, end): n for k, e in ends.items() for end, n in zip(e, counted[2 * k :], strict=False)
    }
    assert {key: n for key, n in told.items() if n} == dict(links)


def test_tenants_reach_each_other_by_way_of_a_border_that_permits_it(fabric: Path) -> None:
    proof = run("verify", fabric, "-o", "json")
    assert proof.exit_code == 1
    said = json.loads(proof.stdout)
    assert (said["hairpin_drop"], said["hairpin_permit"][0]["node"]) == ([], "border1")
    assert "Hairpins are permitted at border1" in run("verify", fabric).stdout
    holds = [row["holds"] for row in said["expectations"]]
    assert holds == [False, True, True], "red may not reach blue, and does"
    asked = ("explain", fabric, "red/lab/probe", "198.51.100.67:443/tcp")
    told = json.loads(run(*asked, "-o", "json").stdout)
    assert told["verdict"] == "allow"
    steps = [(s["where"], s["what"], s["result"]) for s in told["choices"][0]["steps"]]
    assert any(s[:2] == ("border1", "hairpin") and "dpu2 blue/main" in s[2] for s in steps)
    assert ("dpu2", "source check", "comes from zone2/main") in steps
    assert "hairpins are permitted" in run(*asked).stdout
    rows = json.loads(run("reach", fabric, "-o", "json").stdout)["rows"]
    ends = {(row["source"].split("/")[0], row["destination"].split("/")[0]) for row in rows}
    assert ("red", "blue") in ends
    assert ("blue", "red") not in ends, "no rule lets the outside in there"
    number = {vrf.name: vrf.index for vrf in network_of(fabric).vrfs}
    crossing = {(c.src, c.dst) for c in isolation(World(network_of(fabric)).blocks).crossings}
    assert (number["red/main"], number["blue/main"]) in crossing


def test_certificates_name_who_permits_it(fabric: Path, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    assert run("verify", fabric, "--certificate", file).exit_code == 1
    written = json.loads(file.read_text())
    assert written["hairpins"] == ["zone2/main"]
    assert any("goes on into the next one" in said for said in written["assumptions"])
    checked = run("verify", fabric, "--check-certificate", file)
    assert "certificate is valid" in checked.output, checked.output


@pytest.mark.parametrize("was", ["deny", "permit"])
def test_certificates_are_about_who_permitted_it_then(was: str, tmp_path: Path) -> None:
    fabric, file = hairpin(tmp_path, hairpin=was), tmp_path / "proof.json"
    run("verify", fabric, "--certificate", file)
    now = {"deny": "permit", "permit": "deny"}[was]
    checked = run("verify", hairpin(tmp_path, hairpin=now), "--check-certificate", file)
    assert checked.exit_code == 1, checked.output
    assert "hairpins: other VRFs permit them" in checked.output


def test_a_diff_says_what_permitting_opens(fabric: Path, tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    before = hairpin(tmp_path / "before")
    said = json.loads(run("diff", before, fabric, "-o", "json").stdout)
    gained = {(r["source"].split("/")[0], r["destination"].split("/")[0]) for r in said["rows"]}
    assert gained == {("red", "blue")}
    assert {row["change"] for row in said["rows"]} == {"gained"}


def test_dumps_say_it(fabric: Path) -> None:
    program = compile_network(network_of(fabric))
    network = program.network
    border = next(n.index for n in network.fabric.nodes if n.name == "border1")
    text = ruleset(program, border)
    permit = re.search(r'iifname "vx(\d+)" counter accept comment "hairpin: permit"', text)
    assert permit is not None
    assert network.vrfs[int(permit[1])].name == "zone2/main"
    assert permit.start() < text.index("hairpin_drop")
    assert "permits hairpins: out of a tunnel" in config(network, border)
    dumps = fabric.parent / "dumps"
    for kind in ("canonical", "text"):
        run("compile", fabric, "--node", "border1", "--format", kind, "-o", dumps)
    (document,) = (dumps / "canonical").iterdir()
    assert [r["hairpin"] for r in json.loads(document.read_text())["tunnel_admit"]] == ["permit"]
    (lines,) = (dumps / "text").iterdir()
    assert "and into the next one" in lines.read_text()


def test_a_vtep_admits_whoever_may_be_passed_on(tmp_path: Path) -> None:
    """No route of the border leads back to green, which does not advertise."""
    path = hairpin(tmp_path, hairpin="permit")
    file = yaml.safe_load(path.read_text())
    del file["tenants"]["red"]["vrfs"]["main"]["advertise"]
    path.write_text(yaml.safe_dump(file))
    network = network_of(path)
    number = {node.name: node.index for node in network.fabric.nodes}
    (instance,) = tables_of(compile_network(network), number["border1"]).instances
    assert number["dpu1"] in instance.admits


def test_what_goes_in_circles_ends() -> None:
    """Two borders that each have the other's way out."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "zone2/inet", 1, "192.0.2.0/24", host=None)),
    ]
    tables = {
        (0, 0): [("10.0.0.1/32", [(0, 0)]), ("0.0.0.0/0", [(1, 1)])],
        (1, 1): [("192.0.2.0/24", [(1, 1)]), ("0.0.0.0/0", [(2, 1)])],
        (2, 1): [("0.0.0.0/0", [(1, 1)])],
    }
    names = ["dpu1", "border1", "border2"], ["acme/main", "zone2/main"]
    world = World(routed(*names, ends, tables, hairpins=(1,)), Policy())
    flow = Flow(0, 4, 0x0A000001, 0x08080808, 6, 40000, 80, 0)
    (way,) = ways(world, Place(0, 0, flow))
    assert way.ends is Reason.TTL_DROP
    assert [step.to.node for step in way.steps] == [1, 2, 1]
    assert trace(world, flow).reason is Reason.TTL_DROP


@pytest.mark.parametrize(
    ("permit", "reason"), [((), Reason.HAIRPIN_DROP), ((0,), Reason.DELIVERED)]
)
def test_a_vtep_passes_on_where_its_vrf_permits_it(permit: tuple[int, ...], reason: Reason) -> None:
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(2, endpoint(1, "acme/web/b", 0, "10.0.0.2/32")),
    ]
    tables = {
        (n, 0): [("10.0.0.2/32", [(min(n + 1, 2), 0)]), ("10.0.0.1/32", [(max(n - 1, 0), 0)])]
        for n in range(3)
    }
    names = [f"dpu{n}" for n in range(3)], ["acme/main"]
    world = World(wired(routed(*names, ends, tables, hairpins=permit)), Policy())
    flow = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)
    found = Datapath.of(world, threads=1).decide(Packets.of([flow]))
    number = reasons(world.program.stages).numbered
    assert number[int(found.reason[0])] is trace(world, flow).reason is reason


@pytest.mark.parametrize(("tunnels", "ends"), [(LAST, None), (LAST + 1, Reason.TTL_DROP)])
def test_a_ttl_lasts_for_so_many_tunnels(tunnels: int, ends: Reason | None) -> None:
    last = [at(tunnels, endpoint(1, "acme/web/b", 0, "10.0.0.2/32"))]
    ends_of = [at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")), *last]
    tables = {
        (n, 0): [("10.0.0.2/32", [(min(n + 1, tunnels), 0)]), ("10.0.0.1/32", [(max(n - 1, 0), 0)])]
        for n in range(tunnels + 1)
    }
    names = [f"dpu{n}" for n in range(tunnels + 1)], ["acme/main"]
    world = World(wired(routed(*names, ends_of, tables, hairpins=(0,))), Policy())
    flow = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)
    (way,) = ways(world, Place(0, 0, flow))
    assert (way.ends, len(way.steps)) == (ends, tunnels)
    found = Datapath.of(world, threads=1).decide(Packets.of([flow]))
    assert int(found.reason[0]) == int(trace(world, flow).reason)


def test_rules_for_others_than_the_local_dpu_are_unknown(fabric: Path) -> None:
    from dataclasses import replace

    from compiler.policy.ir import Point
    from compiler.policy.stages import STAGES

    there = (*STAGES[:-1], replace(STAGES[-1], at=Point.BORDER))
    with pytest.raises(UndecidedError, match="C868"):
        refuse_hairpins(network_of(fabric), Policy((), (), there))
