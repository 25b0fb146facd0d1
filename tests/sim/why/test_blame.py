"""Whom a finding blames, on fabrics that were built from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from any_policies import WORLD, packets, policies, seeds
from fabric_files import vrf, write_fabric
from hypothesis import given, settings
from routed import at, endpoint, routed

from cloison.render.diagnostics import Excerpts
from cloison.views.reports.report_text import details
from compiler.compile import compile_policy
from compiler.policy.ir import (
    Action,
    Direction,
    Everyone,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.semantics import decide
from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.packets.headers import Flow
from sim.pipeline.trace import trace
from sim.proof.prove import Proof, prove
from sim.why.blame import blame, permits_without
from sim.worlds.world import World

TOPOLOGIES = Path(__file__).parents[3] / "topologies"


def test_a_failure_that_cuts_a_dpu_off_is_blamed_on_the_wiring(tmp_path: Path) -> None:
    text = (TOPOLOGIES / "small.yaml").read_text()
    text = text.replace("leaves: 2, hosts_per_pair: 4", "leaves: 1, hosts_per_pair: 4")
    (tmp_path / "one.yaml").write_text(text.replace("manifests/", f"{TOPOLOGIES}/manifests/"))
    network = build(load_fabric(tmp_path / "one.yaml"), lock=False)
    found = prove(World(network)).findings
    assert found
    for finding in found:
        assert finding.culprit.title == "wiring of site lab"
        assert finding.under is not None and finding.under in finding.culprit.part
        assert str(finding.culprit.span).endswith("one.yaml:12:3")


def leaves_alike(folder: Path, *pins: str) -> Proof:
    """The proof of a fabric with two pairs of leaves in which these nodes have one AS number."""
    site = {"spines": 2, "leaves": 4, "hosts_per_pair": 1, "borders": 0}
    path = write_fabric(
        folder,
        {"a": vrf("10.0.0.0/24")},
        {"a": ["n/p@host1", "n/q@host2"]},
        sites={"s": site},
        pins={"asn": dict.fromkeys(pins, 65001)},
        expect=[{"allow": "a/n/p -> a/n/q:80/tcp"}],
    )
    network = build(load_fabric(path))
    return prove(World(network))


def test_a_path_lost_to_the_loop_check_is_blamed_on_the_number(tmp_path: Path) -> None:
    (found,) = leaves_alike(tmp_path, "leaf1", "leaf2", "leaf3", "leaf4").findings
    assert found.culprit.title == "AS 65001"
    assert "leaf1" in found.culprit.part and "leaf3" in found.culprit.part
    assert str(found.culprit.span).endswith(f"{line_of(tmp_path, 'leaf3: 65001')}:12")
    assert "no route" not in str(found)


def test_another_way_is_taken_where_one_is_lost(tmp_path: Path) -> None:
    assert leaves_alike(tmp_path, "leaf1", "leaf2", "leaf4").holds


def test_only_the_best_path_is_announced_and_it_may_be_the_one_that_is_lost(tmp_path: Path) -> None:
    (found,) = leaves_alike(tmp_path, "leaf1", "leaf2", "leaf3").findings
    assert found.culprit.title == "AS 65001" and "leaf3" in found.culprit.part


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "fabric.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_packet_that_goes_elsewhere_says_where(tmp_path: Path) -> None:
    zone2 = {
        "endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}},
        "rules": [{"name": "in", "from": "zone2/inet", "to": "a/n/p", "ports": ["443/tcp"]}],
    }
    tenant = vrf("198.51.100.0/24", default_route="zone2", advertise=["198.51.100.0/24"])
    expect = [{"allow": "zone2/inet -> a/n/p:443/tcp"}]
    more = {"zones": {"zone2": zone2}, "expect": expect}
    path = write_fabric(tmp_path, {"a": tenant}, {"a": ["n/p@host1"]}, **more)
    network = build(load_fabric(path), down=("dpu1",))
    (found,) = prove(World(network)).findings
    assert found.elsewhere == "zone2/inet" and found.culprit.title == "dpu1"
    assert found.packet is not None and " 0." not in found.packet
    lines = dict(details(found, Excerpts({})))
    assert lines["verdict"] == "delivered, but to zone2/inet"


def test_rules_that_are_not_needed_are_not_blamed() -> None:
    """Two policies permit a packet, each of which would do; what it cannot do without is blamed."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(0, endpoint(1, "acme/web/b", 0, "10.0.0.2/32")),
    ]
    rows = [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(0, 0)])]
    network = routed(["dpu1"], ["acme/main"], ends, {(0, 0): rows})
    everybody = (Everyone(),)

    def permits(stage: Stage, number: int, kind: str, name: str) -> Rule:
        origin = Origin(kind, name)
        return Rule(stage, Direction.IN, number, everybody, everybody, (), Action.PERMIT, origin)

    own = permits(Stage.ISOLATION, 0, "tenant", "acme/main")
    some = [permits(Stage.WORKLOAD, n, "NetworkPolicy", f"acme/web/p{n}") for n in (0, 1)]
    closed = tuple(
        Selection(stage, Direction.IN, everybody, Action.DENY, Origin("default", "closed"))
        for stage in (Stage.ISOLATION, Stage.WORKLOAD)
    )

    def culprit(*rules: Rule) -> str:
        world = World(network, Policy(rules, closed))
        flow = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)
        return blame(world, trace(world, flow)).culprit.title

    assert culprit(own, *some) == "tenant acme/main"
    assert culprit(own, some[1]) == "NetworkPolicy acme/web/p1"


@pytest.mark.slices(3)
@settings(max_examples=150)
@given(policies(), seeds)
def test_without_a_rule_packets_fare_as_in_a_policy_that_lacks_it(
    policy: Policy, seed: int
) -> None:
    program = compile_policy(WORLD, policy)
    for packet in packets(seed, 30):
        for number, origin in (-1, None), *enumerate(program.origins):
            left = tuple(rule for rule in policy.rules if rule.origin != origin)
            said = decide(Policy(left, policy.selections), WORLD, packet).permit
            assert permits_without(program, packet, number) == said, (origin, packet)
