"""Replay, traces, proofs and expectations say what a packet meets that is carried by hand: in
random fabrics of every kind, with random failures, and under each single one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fabric_files import network_of
from failing_fabrics import failing, groups
from naive import L4S, Header, numbered
from reach_laws import told
from walked_fabrics import KINDS, random_failures, random_world
from walker import Judge, Key, Pairs, Walker, all_packets, told_apart, wide

from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.values.inventory import Prefix
from sim.packets.headers import Flow, Packets
from sim.packets.reasons import reasons
from sim.pipeline.datapath import Datapath
from sim.pipeline.trace import trace
from sim.proof.pairs.reachability import reachability
from sim.proof.prove import Proof, prove
from sim.worlds.world import World

pytestmark = pytest.mark.oracle("twins")

WORLDS = 320
PACKETS = 300
ASKED = {
    "": {*range(len(L4S))},
    "80/tcp": {i for i, l4 in enumerate(L4S) if (l4[0], l4[2]) == (6, 80)},
    "81/tcp": {i for i, l4 in enumerate(L4S) if (l4[0], l4[2]) == (6, 81)},
    "80-81/tcp": {i for i, l4 in enumerate(L4S) if l4[0] == 6 and l4[2] in (80, 81)},
    "53/udp": {i for i, l4 in enumerate(L4S) if (l4[0], l4[2]) == (17, 53)},
}
"""By ports of an expectation the L4 headers that it is about."""
SOME = 40
WANTED = (
    "vtep dpu", "vtep leaf", "peering", "leak", "zone", "transit", "several next hops",
    "raw import", "overlap", "several borders", "one way out inside another", "dual stack",
    "hairpins permitted", "two borders of one way out", "a border for want of another",
    "written down",
)  # fmt: skip
Breaches = set[tuple[int, int, int]]


@pytest.mark.slices(107)
@pytest.mark.parametrize("seed", range(WORLDS))
def test_everything_says_what_the_walker_meets(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    path, network = random_world(rng, tmp_path)
    judge = Judge(World(network).policy_read, network)
    axes = told_apart(network, judge.policy)
    whole = World(network)
    for down in ((), random_failures(rng, network)):
        anew = World(network_of(path, down=down))
        world = rng.choice((anew, whole.over(rebuild(network, down=down))))
        walker = Walker(network, judge, down)
        packets_meet_the_same(rng, world, walker, axes)
        some, sure = told(reachability(world))
        assert (some, sure & some) == both(all_packets(walker, axes))
    expectations_hold_the_same(network, judge, axes, prove(whole))


def test_the_fabrics_are_of_every_kind(tmp_path: Path) -> None:
    """So that the law above is about what it says."""
    seen: Counter[str] = Counter()
    for seed in range(SOME):
        _, network = random_world(Random(seed), tmp_path)
        seen.update(kinds_of(network))
    assert min(seen[kind] for kind in WANTED) >= 2, seen


def kinds_of(network: Network) -> Iterator[str]:
    """What there is in a fabric, of what makes packets take ways of their own."""
    yield f"vtep {network.spec.vtep}"
    if any(site.nodes for site in network.spec.sites.values()):
        yield "written down"
    ends, intents = network.endpoints, network.intents
    yield from {intent.kind for intent in intents}
    if any(intent.via for intent in intents):
        yield "transit"
    if any(vrf.hairpin for vrf in network.vrfs):
        yield "hairpins permitted"
    if any(len(hops) > 1 for hops in network.fib.nexthop_sets):
        yield "several next hops"
    if any(vrf.import_rts for t in network.spec.tenants.values() for vrf in t.vrfs.values()):
        yield "raw import"
    owners: dict[Prefix, set[int]] = {}
    for end in ends:
        for prefix in end.prefixes:
            owners.setdefault(prefix, set()).add(end.vrf)
    if any(len(vrfs) > 1 for vrfs in owners.values()):
        yield "overlap"
    out = [e for e in ends if e.kind == "zone" and wide(e)]
    if len({e.vtep for e in out}) > 1:
        yield "several borders"
    if any(len(set(e.vteps) - e.backups) > 1 for e in out):
        yield "two borders of one way out"
    if any(e.backups for e in out):
        yield "a border for want of another"
    for one, other in combinations(out, 2):
        if any(
            p != q and p.version == q.version and p.overlaps(q)
            for p in one.prefixes
            for q in other.prefixes
        ):
            yield "one way out inside another"
    if {p.version for e in ends for p in e.prefixes} == {4, 6}:
        yield "dual stack"


def both(found: tuple[set[Key], set[Key]]) -> tuple[set[Key], set[Key]]:
    some, sure = found
    return some, sure & some


def packets_meet_the_same(
    rng: Random, world: World, walker: Walker, axes: dict[int, list[int]]
) -> None:
    """Kernels and traces, packet by packet: why each ends, and where."""
    flows = [random_flow(rng, world.network, axes) for _ in range(PACKETS)]
    found = Datapath.of(world, threads=1).decide(Packets.of(flows))
    number = reasons(world.program.stages).numbered
    for row, flow in enumerate(flows):
        header = Header(flow.version, flow.src, flow.dst, flow.protocol, flow.sport, flow.dport)
        expected = walker.outcomes(flow.src_endpoint, header)
        said = number[int(found.reason[row])], int(found.dst_endpoint[row])
        assert said[0] in {o.reason for o in expected}, (flow, expected)
        if said[0].name == "DELIVERED":
            assert said in {(o.reason, o.dst) for o in expected}, (flow, expected)
        for choice, one in enumerate(expected):
            traced = trace(world, flow, choice)
            assert traced.reason is one.reason, (flow, choice, expected)
            if traced.reason.name == "DELIVERED":
                assert traced.target == one.dst, (flow, choice, expected)


def random_flow(rng: Random, network: Network, axes: dict[int, list[int]]) -> Flow:
    """From one of the sender's own addresses, mostly."""
    source, version = rng.choice(network.endpoints), rng.choice((4, 6))
    own = [
        x
        for x in axes[version]
        if any(p.version == version and int(p[0]) <= x <= int(p[-1]) for p in source.prefixes)
    ]
    src = rng.choice(own if own and rng.randrange(20) else axes[version])
    _, l4 = rng.choice(numbered(version))
    return Flow(source.vrf, version, src, rng.choice(axes[version]), *l4, source.index)


def expectations_hold_the_same(
    network: Network, judge: Judge, axes: dict[int, list[int]], proof: Proof
) -> None:
    """As things are and without each cable and device: which pairs break which line, and without
    what a line that holds breaks first."""
    claims = [outcome.claim for outcome in proof.outcomes]
    lines = [Line(network, claim.kind, claim.text) for claim in claims]
    known: dict[Any, dict[int, Breaches]] = {}

    def broken(down: tuple[str, ...], numbers: tuple[int, ...]) -> dict[int, Breaches]:
        """By number of the line. What is equally far away for everybody is one world."""
        walker = Walker(network, judge, down)
        key = frozenset(walker.lengths.items()), numbers
        if key not in known:
            asked = {pair for n in numbers for pair in lines[n].pairs}
            packets = all_packets(walker, axes, asked)
            known[key] = {n: lines[n].broken(*packets) for n in numbers}
        return known[key]

    here = broken((), tuple(range(len(lines))))
    assert {
        o.claim.number: {(b.src, b.dst, b.version) for b in o.breaches} for o in proof.outcomes
    } == here
    first: dict[int, tuple[str, Breaches]] = {}
    for kind in KINDS:
        for names in failing(network, kind):
            down = members(network, names)
            gone = {
                e.index
                for e in network.endpoints
                if e.kind != "zone" and network.fabric.nodes[e.vtep].name in down
            }
            holding = tuple(
                n
                for n, found in here.items()
                if not found and n not in first and kind in claims[n].hold_under
            )
            for number, found in broken(down, holding).items() if holding else ():
                if left := {b for b in found if not gone & {*b[:2]}}:
                    first[number] = " and ".join(names), left
    assert {
        o.claim.number: (o.under, {(b.src, b.dst, b.version) for b in o.breaches})
        for o in proof.under_failure
    } == first
    for finding in proof.findings:
        if finding.kind == "expectation" and finding.witness is not None:
            flow, choice = finding.witness.flow, finding.witness.choice
            down = members(network, (finding.under or "").split(" and "))
            walker = Walker(network, judge, down)
            header = Header(
                *(flow.version, flow.src, flow.dst), *(flow.protocol, flow.sport, flow.dport)
            )
            outcomes = walker.outcomes(flow.src_endpoint, header)
            meant = outcomes if choice is None else outcomes[choice : choice + 1]
            assert finding.verdict in [o.reason for o in meant], finding


def members(network: Network, names: Sequence[str]) -> tuple[str, ...]:
    """What is down without these nodes, cables and risk groups."""
    known = groups(network)
    return tuple(member for name in names for member in known.get(name, [name]))


class Line:
    """An expectation as a person reads it: by names, packet by packet."""

    def __init__(self, network: Network, kind: str, text: str) -> None:
        source, _, rest = text.partition(" -> ")
        target, _, ports = rest.partition(":")
        self.network, self.kind, self.ports = network, kind, ASKED[ports]
        ends = (called(network, source), called(network, target))
        self.pairs: Pairs = {(a, b) for a in ends[0] for b in ends[1] if a != b}

    def broken(self, some: set[Key], sure: set[Key]) -> Breaches:
        """The pairs that break it."""
        out: Breaches = set()
        for a, b in self.pairs:
            for version in (4, 6):
                if all(
                    any(p.version == version for p in self.network.endpoints[e].prefixes)
                    for e in (a, b)
                ):
                    every = {number for number, _ in numbered(version)}
                    wanted = self.ports & every
                    shut = wanted if self.kind == "deny" else every - wanted
                    leaks = self.kind != "allow" and any((a, b, version, n) in some for n in shut)
                    needed = wanted if self.kind != "deny" else set()
                    if leaks or any((a, b, version, n) not in sure & some for n in needed):
                        out.add((a, b, version))
        return out


def called(network: Network, pattern: str) -> set[int]:
    """Whom a name of these fabrics means: everybody of a tenant, or one endpoint."""
    return {
        e.index
        for e in network.endpoints
        if e.name == pattern or (pattern.endswith("/*") and e.name.startswith(pattern[:-1]))
    }
