"""Laws: semantics == entry walk == blocks, on random policies written straight in the IR."""

from __future__ import annotations

import importlib
import inspect
import random
import sys
import types
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import Phase, Verbosity, given, settings
from hypothesis import strategies as st
from worlds import endpoint, network

import compiler.blocks as blocks_module
import compiler.compile as compile_module
from compiler.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Everyone,
    InVrf,
    Named,
    Origin,
    OwnNode,
    Packet,
    Pods,
    Policy,
    Requirement,
    Rule,
    Selection,
    Stage,
)
from compiler.semantics import decide
from compiler.walk import verdict
from fabric.diagnostics import InputError
from fabric.inventory import NamedPort
from fabric.network import Network

WEB, DNS = NamedPort("http", 6, 8080), NamedPort("dns", 17, 53)


def world() -> Network:
    pods = [
        endpoint(0, "acme/web/a", 0, "10.0.0.1/32", "fd00::1/128", labels={"app": "a"},
                 ports=(WEB,)),
        endpoint(1, "acme/web/b", 0, "10.0.0.2/32", labels={"app": "b"}, ports=(DNS,),
                 host="host2"),
        endpoint(2, "acme/data/c", 0, "10.0.0.200/32", "fd00::c8/128", host="host2",
                 namespace_labels={"team": "data"}, ports=(NamedPort("http", 6, 9090),)),
        endpoint(3, "acme/@node/host1", 0, "10.0.1.1/32"),
        endpoint(4, "acme/@node/host2", 0, "10.0.1.2/32", "fd00::102/128", host="host2"),
        endpoint(5, "globex/web/a", 1, "10.0.0.1/32", "fd00::1/128", labels={"app": "a"}),
        endpoint(6, "zone2/inet", 2, "0.0.0.0/0", "::/0", host=None),
        endpoint(7, "zone2/office", 2, "198.51.100.0/24", host=None, state="quarantined"),
    ]  # fmt: skip
    return network(["acme/main", "globex/main", "zone2/main"], pods)


WORLD = world()
PREFIXES = ["10.0.0.0/8", "10.0.0.0/25", "10.0.0.1/32", "10.0.0.128/25", "0.0.0.0/0", "fd00::/64",
            "fd00::c8/127", "198.51.100.0/24"]  # fmt: skip
labels = st.sampled_from([
    (),
    (Requirement("app", "In", frozenset({"a"})),),
    (Requirement("app", "NotIn", frozenset({"a"})),),
    (Requirement("app", "Exists"),), (Requirement("app", "DoesNotExist"),),
])  # fmt: skip
prefix = st.sampled_from(PREFIXES).map(ip_network)
pods = st.builds(
    Pods,
    st.sampled_from(["acme", "globex"]),
    labels,
    st.sampled_from([None, "web", "data"]),
    st.sampled_from([None, (), (Requirement("team", "Exists"),)]),
)
cidr = st.builds(
    lambda p, e, inside: Cidr(p, tuple(x for x in e if x.version == p.version), inside, "acme"),
    prefix,
    st.lists(prefix, max_size=2),
    st.booleans(),
)
matcher: Any = st.one_of(
    st.just(Everyone()),
    pods,
    cidr,
    st.just(OwnNode()),
    st.builds(
        Named,
        st.sampled_from(["acme/*", "zone2/inet", "*/web/a", "zone2/*", "nobody/*"]).map(
            lambda p: (p,)
        ),
        st.sampled_from([None, frozenset({"ready"}), frozenset({"quarantined"})]),
    ),
    st.builds(
        InVrf,
        st.sampled_from([frozenset({"acme/main"}), frozenset({"zone2/main", "globex/main"})]),
        st.one_of(st.none(), st.lists(prefix, min_size=1, max_size=2).map(tuple)),
    ),
)
PORTS = [0, 1, 52, 53, 54, 8079, 8080, 8081, 9090, 65534, 65535]
l4 = st.one_of(
    st.just(L4()),
    st.builds(L4, st.sampled_from([-1, 1, 6, 17])),
    st.builds(
        lambda protocol, a, b, s: L4(protocol, min(a, b), max(a, b), None, s, 65535),
        st.sampled_from([6, 17, 132]),
        st.sampled_from(PORTS),
        st.sampled_from(PORTS),
        st.sampled_from([0, 0, 0, 1024]),
    ),
    st.builds(L4, st.sampled_from([6, 17]), name=st.sampled_from(["http", "http", "dns", "none"])),
    st.builds(L4, st.sampled_from([6, 17]), name=st.just("http")),
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A few rules anywhere, or all in one stage and direction that denies by default: there a rule
    that says the wrong thing is not hidden by others."""
    stages: list[Stage] = list(Stage)
    directions: list[Direction] = list(Direction)
    focused = draw(st.booleans())
    if focused:
        stages, directions = [draw(st.sampled_from(stages))], [draw(st.sampled_from(directions))]
    rules = []
    for number in range(draw(st.integers(focused, 3 if focused else 8))):
        stage = draw(st.sampled_from(stages))
        actions = Action if stage is Stage.OVERRIDE else [Action.DENY, Action.PERMIT]
        rules.append(
            Rule(
                stage,
                draw(st.sampled_from(directions)),
                draw(st.integers(0, 3)) * 100 + number,
                tuple(draw(st.lists(matcher, min_size=1, max_size=2))),
                tuple(draw(st.lists(matcher, max_size=2))),
                tuple(draw(st.lists(l4, max_size=2))),
                draw(st.sampled_from(list(actions))),
                Origin("zone rule", f"r{number}"),
            )
        )
    selections = [
        Selection(
            draw(st.sampled_from([s for s in stages if s is not Stage.OVERRIDE])),
            draw(st.sampled_from(directions)),
            (draw(matcher),),
            draw(st.sampled_from([Action.DENY, Action.PERMIT])),
            Origin("default", f"s{number}"),
        )
        for number in range(0 if stages == [Stage.OVERRIDE] else draw(st.integers(focused, 3)))
    ]
    return Policy(tuple(rules), tuple(selections))


BOUNDS = {
    version: sorted(
        {
            int(bound) + step
            for text in [*PREFIXES, *(str(p) for e in WORLD.endpoints for p in e.prefixes)]
            for bound in (ip_network(text).network_address, ip_network(text).broadcast_address)
            for step in (-1, 0, 1)
            if ip_network(text).version == version
            and 0 <= int(bound) + step < 2 ** ip_network(text).max_prefixlen
        }
    )
    for version in (4, 6)
}


def packets(seed: int, count: int = 120) -> Iterator[Packet]:
    """Packets at the bounds of everything; by seed, since drawing each takes most of the time."""
    chance = random.Random(seed)
    for _ in range(count):
        version = chance.choice((4, 6))
        protocol = chance.choice((1, 6, 6, 17, 17, 47, 132))
        yield Packet(
            chance.choice(list(Direction)),
            chance.randrange(len(WORLD.endpoints)),
            version,
            chance.choice(BOUNDS[version]),
            chance.randrange(3),
            protocol,
            chance.choice((0, 1023, 1024, 65535)) if protocol != 47 else 0,
            chance.choice((*PORTS, *3 * (53, 8080, 9090))) if protocol in (6, 17, 132) else 0,
        )


seeds = st.integers(0, 2**32)


@settings(max_examples=200, deadline=None)
@given(policies(), seeds)
def test_semantics_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    agree(policy, seed)


def agree(policy: Policy, seed: int) -> None:
    """Raise AssertionError where definition, entries and arrays differ."""
    program = compile_module.compile_policy(WORLD, policy)
    blocks = blocks_module.build_blocks(program)
    for packet in packets(seed):
        expected = decide(policy, WORLD, packet)
        walked = verdict(program, packet)
        assert (walked.permit, walked.stage) == (expected.permit, expected.stage), packet
        assert all(expected.matched[stage] == cause for stage, cause in walked.matched.items())
        cell = blocks.cell(
            WORLD.endpoints[packet.local].vrf, packet.version, packet.remote_ip, packet.remote_vrf
        )
        atom = blocks.l4_atom(packet.protocol, packet.sport, packet.dport)
        decision = blocks.decision(packet.direction, packet.local, cell, atom)
        assert bool(blocks.dec_permit[decision]) == expected.permit, packet
        stage = int(blocks.dec_stage[decision])
        assert (None if stage < 0 else Stage(stage)) == expected.stage
        causes = {
            Stage(s): program.origins[program.entry(e)[1].origin]
            for s, e in enumerate(blocks.dec_entries[decision].tolist())
            if e >= 0
        }
        assert causes == walked.matched


def test_a_grid_that_memory_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compiler.grid.MAX_GRID", 1)
    rules = tuple(
        Rule(Stage.WORKLOAD, Direction.IN, n, (Everyone(),), (Cidr(ip_network(p)),), (ports,),
             Action.DENY, Origin("zone rule", str(n)))
        for n, (p, ports) in enumerate([(PREFIXES[0], L4(6)), (PREFIXES[3], L4(17, 1, 9))])
    )  # fmt: skip
    program = compile_module.compile_policy(WORLD, Policy(rules, ()))
    with pytest.raises(InputError, match="C718"):
        blocks_module.build_blocks(program)


MUTANTS = [
    ("passes.resolve", "return (_region(ANY_VRF, prefix, span),)",
     "return (_region(ANY_VRF, prefix, (interval(prefix),)),)"),
    ("passes.resolve", "yield locals_, self._within(regions, members), ports",
     "yield locals_, regions, ports"),
    ("passes.resolve", "                and self.network.endpoints[i].host == host\n", ""),
    ("passes.resolve", "if p.name == l4.name and l4.protocol in (-1, p.protocol)",
     "if p.name == l4.name"),
    ("passes.resolve", "(l4.first, l4.last))", "(l4.first, max(l4.first, l4.last - 1)))"),
    ("passes.resolve", "known[0] is Action.PERMIT and selection.default", "selection.default"),
    ("passes.scope", "key=lambda t: t.order", "key=lambda t: -t.order"),
    ("passes.scope", "*defaults.get(key, OPEN)", "*OPEN"),
    ("passes.prune", "scope.default is not Action.PERMIT or", ""),
    ("passes.share", "key = (direction, stage, scope)",
     "key = (Direction.OUT, stage, scope.lines)"),
    ("ownership", "key=lambda claim: claim[:2]", "key=lambda claim: claim[1]"),
    ("ownership", "subtract(span, taken)", "span"),
    ("atoms", "starts |= {low, high + 1}", "starts |= {low}"),
    ("atoms", "cuts.add(high + 1)", "pass"),
    ("atoms", "self.q_class == self.proto_class[r.protocol]", "self.q_class >= 0"),
    ("atoms", "(self.s_first >= r.sport[0])", "(self.s_first >= 0)"),
    ("painter", "range(len(cells.bits) - 1, -1, -1)", "range(len(cells.bits))"),
    ("grid", "out[:, self.remotes[region.vrf]] |= inside", "out |= inside[:, None]"),
    ("painter", "alive &= does[order] == Action.PERMIT", "alive &= does[order] != Action.DENY"),
    ("painter", "key = cells.number, l4.number", "key = cells.number, 0"),
    ("painter", "(table.number, stage, does.tobytes())", "(table.number, stage)"),
    ("store", "if row not in rows:", "if not rows:"),
    ("axis", "return distinct(POWERS[: len(rows)] @ rows)",
     "return distinct(POWERS[: len(rows)] @ rows % 4)"),
    ("arena", "key = row.tobytes()", "key = row[:1].tobytes()"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "old", "new"), MUTANTS)
def test_a_mutated_compiler_is_caught(
    module: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap(f"compiler.{module}", old, new, monkeypatch)
    property_ = settings(
        max_examples=4000,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )(given(policies(), seeds)(agree))
    with pytest.raises((AssertionError, IndexError, ValueError, KeyError)):
        property_()


def swap(name: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a module with one changed line in the place of the real one, in every importer."""
    original = importlib.import_module(name)
    source = inspect.getsource(original)
    assert source.count(old) == 1, f"the mutant of {name} no longer applies: {old}"
    mutant = types.ModuleType(name)
    mutant.__dict__["__file__"] = original.__file__
    monkeypatch.setitem(sys.modules, name, mutant)
    exec(compile(source.replace(old, new), name, "exec"), mutant.__dict__)
    importers = [m for n, m in sys.modules.items() if n.startswith("compiler.")]
    for importer in (original, *importers):
        for attribute, value in list(vars(importer).items()):
            if getattr(value, "__module__", None) == name and hasattr(mutant, attribute):
                monkeypatch.setattr(importer, attribute, getattr(mutant, attribute))
    passes = tuple(getattr(mutant, p.__name__, p) for p in compile_module.PASSES)
    monkeypatch.setattr(compile_module, "PASSES", passes)
