"""Toy: rules that others enforce than the DPU of the local side: the host's own network plugin, a
border, the peer's DPU. A row for each step of a packet's way, and a source that says who enforces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import product
from types import SimpleNamespace
from typing import Any

import any_policies
import pytest
import random_worlds
import stage_laws
from any_policies import seeds
from dump_reader import permits
from fabric_files import network_of, vrf, write_fabric
from hypothesis import Phase, given, settings
from routed import box
from routed_demo import DEMO, DEMO_POLICY

from compiler.compile import compile_policy
from compiler.edit import Edit, Editor
from compiler.policy.ir import (
    L4,
    Direction,
    Everyone,
    Named,
    Origin,
    Packet,
    Point,
    Policy,
    Rule,
    Selection,
)
from compiler.policy.semantics import decide, owner
from compiler.policy.stages import (
    DENY_OR_NEXT,
    OR_FINAL,
    STAGES,
    Action,
    Combine,
    Owner,
    Stage,
    checked,
    ends,
    met,
)
from compiler.program.document import document
from compiler.program.dpu import enforcement_points, tables_of
from compiler.program.program import Program
from compiler.targets import text
from compiler.targets.hosts import nftables
from fabric.building.network import Network
from fabric.control.fib import NextHop
from fabric.diagnostics import UndecidedError
from fabric.values.inventory import Endpoint
from fabric.wiring.topology import Role
from sim.packets.headers import Flow
from sim.pipeline.trace import trace
from sim.why.happenings import steps
from sim.worlds.world import World


def row(name: str, at: Point, default: Action = Action.PERMIT) -> Stage:
    label = name.lower().replace("_", " ")
    does = OR_FINAL if name == "CNI_OUT" else DENY_OR_NEXT
    drop, first = f"{name.lower()}_drop", Combine.FIRST_MATCH
    return Stage(name, label, Owner.CLUSTER, at, drop, default, first, does, True, None)


CNI_OUT, CNI_IN = row("CNI_OUT", Point.HOST), row("CNI_IN", Point.HOST)
PEER_IN, PEER_OUT = row("PEER_IN", Point.PEER), row("PEER_OUT", Point.PEER)
EDGE_IN, EDGE_OUT = row("EDGE_IN", Point.BORDER), row("EDGE_OUT", Point.BORDER)
TABLE = (CNI_OUT, PEER_IN, EDGE_IN, *STAGES, EDGE_OUT, PEER_OUT, CNI_IN)
MET = dict(zip(TABLE, met(TABLE), strict=True))
HOSTED = (Named(("acme/*", "globex/*")),)
ANYWHERE = frozenset(Point)

FEW = settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def placed(policy: Policy) -> Policy:
    """The policy, where each rule stands in a row that packets of its direction meet, and what
    hosts enforce is about who runs on one."""

    def fits(item: Any) -> bool:
        return item.direction in MET[item.stage]

    def hosted(item: Any) -> Any:
        return replace(item, local=HOSTED) if item.stage.at is Point.HOST else item

    rules, selections = (
        tuple(map(hosted, filter(fits, items))) for items in (policy.rules, policy.selections)
    )
    return Policy(rules, selections, TABLE, ANYWHERE)


small = random_worlds.policies(TABLE).map(placed)
large = any_policies.policies(TABLE).map(placed)
BORDERED = replace(
    any_policies.WORLD,
    fabric=SimpleNamespace(nodes=(box(0, "dpu1"), box(1, "border1"))),  # type: ignore[arg-type]
    endpoints=tuple(
        replace(e, vtep=1) if e.kind == "zone" else e for e in any_policies.WORLD.endpoints
    ),
)


@settings(max_examples=60, deadline=None)
@given(large, seeds)
def test_definition_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    stage_laws.agree(policy, seed, BORDERED)


@pytest.mark.slices(3)
@FEW
@given(random_worlds.worlds(hairpins=False), small, small)
def test_kernels_proof_checker_and_diff_agree(world: Network, one: Policy, two: Policy) -> None:
    stage_laws.replayed(world, one)
    stage_laws.proved(world, one)
    stage_laws.compared(world, one, two)


@FEW
@given(large, large, seeds)
def test_edits_agree(policy: Policy, added: Policy, seed: int) -> None:
    stage_laws.edits(policy, added, seed, BORDERED)


WEB = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)
OUTSIDE = Flow(0, 4, 0x0A000001, 0x08080808, 6, 40000, 443, 0)
EDGED = replace(
    DEMO,
    fabric=SimpleNamespace(nodes=(box(0, "dpu1"), box(1, "border1"))),  # type: ignore[arg-type]
)
PULL = Origin("NetworkPolicy", "elsewhere")


def saying(stage: Stage, way: Direction, action: Action = Action.DENY, order: int = 0) -> Policy:
    """What a row says about everything of acme."""
    rule = Rule(stage, way, order, (Named(("acme/*",)),), (Everyone(),), (), action, PULL)
    return DEMO_POLICY + Policy((rule,), (), TABLE, ANYWHERE)


WAYS = [(CNI_OUT, Direction.OUT, "host1"), (CNI_IN, Direction.IN, "host1"),
        (PEER_OUT, Direction.OUT, "dpu2"), (PEER_IN, Direction.IN, "dpu1")]  # fmt: skip


@pytest.mark.parametrize(("stage", "way", "node"), WAYS, ids=lambda x: getattr(x, "name", None))
def test_an_answer_says_where_the_packet_was_dropped(
    stage: Stage, way: Direction, node: str
) -> None:
    world = World(DEMO, saying(stage, way))
    found = trace(world, WEB)
    assert found.reason.label == stage.drop
    (step,) = [s for s in steps(world, found) if s.result == "deny"]
    assert (step.where, step.what) == (node, f"{way.name} {stage.name}")
    assert step.because.endswith(f"enforced at {stage.at.value}")


def test_what_ends_at_one_point_says_nothing_to_the_next() -> None:
    """A host that permits finally does not speak for its DPU."""
    final = saying(CNI_OUT, Direction.OUT, Action.PERMIT_FINAL)
    shut = Selection(Stage.WORKLOAD, Direction.OUT, HOSTED, Action.DENY, PULL)
    world = World(DEMO, final + Policy((), (shut,), TABLE, ANYWHERE))
    assert trace(world, WEB).reason.label == "policy_drop"
    assert ends(TABLE)[0] == 1


def test_a_default_is_that_of_packets_that_meet_the_row() -> None:
    """A peer that denies by default what leaves says nothing of what arrives; all who answer about
    it agree."""
    shut = replace(PEER_OUT, default=Action.DENY)
    table = tuple(shut if stage is PEER_OUT else stage for stage in TABLE)
    web = Rule(shut, Direction.OUT, 0, (Named(("acme/*",)),), (Everyone(),), (L4(6, 80, 80),),
               Action.PERMIT, PULL)  # fmt: skip
    policy = DEMO_POLICY + Policy((web,), (), table, ANYWHERE)
    world = World(DEMO, policy)
    assert trace(world, WEB).reason.label == "delivered"
    assert trace(world, replace(WEB, protocol=17, dport=53)).reason.label == "peer_out_drop"
    stage_laws.replayed(DEMO, policy)
    stage_laws.proved(DEMO, policy)


def test_a_border_says_nothing_of_packets_that_pass_none() -> None:
    for network, label in ((EDGED, "edge_out_drop"), (DEMO, None)):
        world = World(network, saying(EDGE_OUT, Direction.OUT))
        if label is None:
            with pytest.raises(UndecidedError, match="there is nobody at a border"):
                trace(world, OUTSIDE)
            continue
        assert trace(world, OUTSIDE).reason.label == label
    pods = replace(WEB, src=0x0A000002, dst=0x0A000001, src_endpoint=1)
    inside = replace(EDGED, endpoints=tuple(replace(e, vtep=0) for e in EDGED.endpoints[:3]))
    there = replace(inside, endpoints=(*inside.endpoints, EDGED.endpoints[3]))
    said = decide(
        saying(EDGE_OUT, Direction.OUT), there, Packet(Direction.OUT, 1, 4, pods.dst, 0, 6, 1, 80)
    )
    assert said.permit and str(said.matched[EDGE_OUT][0]) == "default passes no border"


def test_what_nobody_enforces_is_not_evaluated() -> None:
    """A source that forgets to say that hosts enforce gets no answer, for every question."""
    half = replace(saying(CNI_OUT, Direction.OUT), enforced=Policy().enforced)
    with pytest.raises(UndecidedError, match="nothing says that the host's own CNI enforces") as no:
        trace(World(DEMO, half), WEB)
    assert [d.code for d in no.value.diagnostics] == ["C852"]
    service = Rule(CNI_OUT, Direction.OUT, 0, (Named(("zone2/*",)),), (Everyone(),), (),
                   Action.DENY, PULL)  # fmt: skip
    with pytest.raises(UndecidedError, match="zone2/inet runs on no host"):
        compile_policy(DEMO, Policy((service,), (), TABLE, ANYWHERE))
    everywhere = (row("CNI_OUT", Point.HOST, Action.DENY), *TABLE[1:])
    with pytest.raises(UndecidedError, match="zone2/inet runs on no host"):
        compile_policy(DEMO, Policy(stages=everywhere, enforced=ANYWHERE))


def test_an_edit_is_refused_for_whoever_nobody_enforces_it() -> None:
    """Also where an endpoint of the same lines, for which somebody does, comes before."""
    empty = DEMO_POLICY + Policy((), (), TABLE, ANYWHERE)
    for way, who in ((Direction.OUT, "zone2/inet runs on no host"), (Direction.IN, "no packet")):
        rule = Rule(CNI_OUT, way, 0, (Named(("*",)),), (Everyone(),), (), Action.DENY, PULL)
        with pytest.raises(UndecidedError, match=who):
            compile_policy(DEMO, empty + Policy((rule,), (), TABLE))
        with pytest.raises(UndecidedError, match=who):
            Editor(DEMO, empty).apply(Edit(added=Policy((rule,), (), TABLE)))


def test_no_edit_says_who_enforces() -> None:
    silent, said = (DEMO_POLICY + Policy((), (), TABLE, e) for e in (frozenset(), ANYWHERE))
    assert Edit.between(said, said) == Edit()
    for old, new in ((silent, said), (said, silent)):
        with pytest.raises(ValueError, match="points that enforce"):
            Edit.between(old, new)


def test_rows_stand_where_packets_meet_them() -> None:
    assert MET[CNI_OUT] == MET[PEER_OUT] == MET[EDGE_OUT] == {Direction.OUT}
    assert MET[CNI_IN] == MET[PEER_IN] == MET[EDGE_IN] == {Direction.IN}
    for table in ((PEER_OUT, CNI_OUT, *STAGES), (*STAGES[:2], CNI_OUT, *STAGES[2:]),
                  (*STAGES, PEER_OUT, EDGE_OUT)):  # fmt: skip
        with pytest.raises(ValueError, match="no packet meets points in this order"):
            checked(table)
    with pytest.raises(UndecidedError, match="no packet into an endpoint meets CNI_OUT"):
        compile_policy(DEMO, saying(CNI_OUT, Direction.IN))
    isolated = Selection(CNI_OUT, Direction.IN, HOSTED, Action.DENY, PULL)
    with pytest.raises(UndecidedError, match="no packet into an endpoint meets CNI_OUT"):
        compile_policy(DEMO, Policy((), (isolated,), TABLE, ANYWHERE))


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Two pods on two hosts, and what lies behind two borders."""
    a = vrf("10.0.0.0/16")
    a["vrfs"]["main"]["default_route"] = "zone2"
    inet = {"addresses": ["0.0.0.0/0"]}
    office = {"addresses": ["198.51.100.0/24"], "border": "border2"}
    zone2 = {"endpoints": {"inet": inet, "office": office}, "rules": []}
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 2}
    work = {"a": ["n/p@host1", "n/q@host2"]}
    folder = tmp_path_factory.mktemp("fabric")
    where = write_fabric(folder, {"a": a}, work, sites={"s": site}, zones={"zone2": zone2})
    return network_of(where)


def dumps_of(program: Program) -> dict[int, dict[str, Any]]:
    points = enforcement_points(program)
    return {vtep: document(program, tables_of(program, vtep)) for vtep in points}


def everything(*rows: tuple[Stage, Direction]) -> Policy:
    """Everybody is denied port 80 in these rows."""
    rules = tuple(
        Rule(stage, way, 0, (Named(("*",)),) if stage.at is not Point.HOST else HOSTED,
             (Everyone(),), (L4(6, 80, 80),), Action.DENY, PULL)
        for stage, way in rows
    )  # fmt: skip
    return Policy(rules, (), TABLE, ANYWHERE)


def test_a_dump_has_what_its_dpu_enforces_and_nothing_else(fabric: Network) -> None:
    host = compile_policy(fabric, everything((CNI_OUT, Direction.OUT), (CNI_IN, Direction.IN)))
    for vtep, said in dumps_of(host).items():
        assert said["groups"] == [] and "asked_for" not in said
        assert "NetworkPolicy" not in nftables.render(host, vtep) + text.render(host, vtep)
    alone = compile_policy(fabric, Policy(stages=(CNI_OUT,), enforced=ANYWHERE))
    assert "policy-out" in nftables.render(alone, next(iter(dumps_of(alone))))
    edge = compile_policy(fabric, everything((EDGE_OUT, Direction.OUT), (EDGE_IN, Direction.IN)))
    for vtep, said in dumps_of(edge).items():
        assert bool(said["groups"]) == (fabric.fabric.nodes[vtep].role is Role.BORDER)
        assert not any(row["out"] or row["in"] for row in said["endpoints"])
        assert {group["default"]["at"] for group in said["groups"]} <= {"a border"}
        for row in said.get("asked_for", ()):
            (end,) = (e for e in fabric.endpoints if e.name == row["name"])
            assert end.vtep == vtep or fabric.fabric.nodes[end.vtep].role is not Role.BORDER


def test_dumps_of_both_ends_decide_as_the_definition_does(fabric: Network) -> None:
    policy = everything((PEER_OUT, Direction.OUT), (EDGE_OUT, Direction.OUT))
    program = compile_policy(fabric, policy)
    dumps, seen = dumps_of(program), set()
    for a, b in product(fabric.endpoints, repeat=2):
        for hop, ip in ways(fabric, a, b):
            for port in (80, 81):
                l4 = 6, 40000, port
                packet = Packet(Direction.OUT, a.index, 4, ip, hop.vrf, *l4)
                asked = "out", a.name, fabric.vrfs[hop.vrf].name, str(IPv4Address(ip)), l4
                assert permits(dumps[a.vtep], *asked), "nothing of it is this DPU's"
                found = permits(for_others(dumps[hop.vtep]), *asked)
                assert found == decide(policy, fabric, packet).permit, packet
                seen.add((a.kind, b.kind, found))
    assert {(a, b) for a, b, _ in seen} >= {("pod", "pod"), ("pod", "zone")}
    assert {found for *_, found in seen} == {True, False}
    assert "asked for, as the peer or a border" in text.render(program, next(iter(dumps)))
    with pytest.raises(UndecidedError, match="for endpoints elsewhere"):
        nftables.render(program, next(iter(dumps)))


def ways(network: Network, a: Endpoint, b: Endpoint) -> Iterator[tuple[NextHop, int]]:
    """Next hops to where an IPv4 address of `b` lives, and the address."""
    for prefix in b.prefixes:
        ip = int(prefix[1] if prefix.num_addresses > 1 else prefix[0])
        if prefix.version == 4 and a is not b and owner(network, b.vrf, 4, ip) is b:
            route = network.fib.lookup(a.vtep, a.vrf, 4, ip)
            for hop in route.nexthops if route else ():
                if (hop.vtep, hop.vrf) == (b.vtep, b.vrf):
                    yield hop, ip


def for_others(said: dict[str, Any]) -> dict[str, Any]:
    """The dump as it is about endpoints for which its node is the peer or a border."""
    return {**said, "endpoints": said["asked_for"]}
