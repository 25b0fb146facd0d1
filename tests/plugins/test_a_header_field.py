"""A header field, the ECN bits of RFC 3168: one file (this) and one row (`ROW`).

Rules that limit it come from a source; here they are written down.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import any_policies
import pytest
import random_worlds
import stage_laws
from any_policies import seeds
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import cloison
from cloison.cli.compile import write
from cloison.loading.how import How
from cloison.views.policy import rows
from cloison.views.world import World
from compiler.policy.fields import FIELDS, Field, Within
from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Everyone,
    Named,
    Origin,
    Policy,
    Rule,
    Stage,
)
from compiler.policy.origin_kinds import Listed, OriginKind
from compiler.policy.source import Source, all_read, no_mistakes, ordered
from compiler.sources import SOURCES
from compiler.targets import catalogue, nftables
from compiler.targets.catalogue import TARGETS, Target, Writer
from compiler.targets.profiles import Profile
from fabric.building.network import Network
from fabric.diagnostics import InputError, UndecidedError
from sim.checker.consistency import inconsistencies
from sim.checker.validity import validity
from sim.packets.headers import Flow, Packets
from sim.packets.pcap import craft
from sim.packets.reasons import Reason
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.replay import replay as send
from sim.pipeline.trace import trace
from sim.pipeline.traffic import all_pairs, n_pairs, random_flows
from sim.proof.certificate import certificate
from sim.proof.certificate_text import digest
from sim.proof.prove import prove
from sim.reach.questions import Questions
from sim.why.nearest import nearest
from sim.why.one_answer import explain

ROOT = Path(__file__).parents[2]
ROW = Field("ecn", 3, False, False, {4: 14, 6: 10}, ("not-ect", "ect1", "ect0", "ce"))
VALUES = [((("ecn", value),)) for value in range(ROW.last + 1)]


@pytest.fixture(autouse=True, scope="module")
def row() -> Iterator[None]:
    with FIELDS.also(ROW):
        yield
    assert "ecn" not in FIELDS


@st.composite
def limited(draw: st.DrawFn, policies: st.SearchStrategy[Policy]) -> Policy:
    """A policy of which about half of the rules ask for some ECN values."""
    policy = draw(policies)

    def asked(rule: Rule) -> Rule:
        l4 = tuple(replace(one, fields=draw(limits)) for one in rule.l4 or (L4(),))
        return replace(rule, l4=l4) if any(one.fields for one in l4) else rule

    limits = st.sampled_from([(), (), (0, 0), (1, 2), (3, 3), (1, 3)]).map(
        lambda span: (Within("ecn", *span),) if span else ()
    )
    return replace(policy, rules=tuple(map(asked, policy.rules)))


FEW = settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
small = limited(random_worlds.policies())
large = limited(any_policies.policies())


@settings(max_examples=60, deadline=None)
@given(large, seeds)
def test_definition_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    stage_laws.agree(policy, seed, carried=VALUES)


@pytest.mark.slices(3)
@FEW
@given(random_worlds.worlds(), small, small)
def test_kernels_proof_checker_and_diff_agree(world: Network, one: Policy, two: Policy) -> None:
    stage_laws.replayed(world, one, VALUES)
    stage_laws.proved(world, one)
    stage_laws.compared(world, one, two)


@FEW
@given(large, large, small, seeds)
def test_edits_and_dumps_agree(policy: Policy, added: Policy, of: Policy, seed: int) -> None:
    stage_laws.edits(policy, added, seed, carried=VALUES)
    stage_laws.dumped(of, seed, carried=VALUES)


SMALL = ROOT / "topologies" / "small.yaml"
STAMP = OriginKind(
    "stamp", declared=True, silent=False, own=False, closing=False, bare=False,
    policy=False, suspicion=(1, 3), listed=Listed.NAMED,
    said="", whole=False, leads=False, echo=False, lines=False, items=False,
)  # fmt: skip
WEB, API, DB = "acme/web/front-1", "acme/catalog/api-0:8080/tcp", "acme/catalog/db-0:5432/tcp"
CE = (("ecn", 3),)
MAC = "02:00:00:00:00:01"


def stamped(action: Action, first: int, last: int) -> Source:
    """A source that says one thing of everything that acme sends with some ECN values."""

    def policy(network: Network) -> Policy:
        origin = Origin(STAMP, f"ecn {first}-{last}")
        both = (Named(("acme/*",)),), (Everyone(),)
        limit = (L4(fields=(Within("ecn", first, last),)),)
        made = (Rule(Stage.OVERRIDE, way, -1, *both, limit, action, origin) for way in Direction)
        return Policy(tuple(made))

    return Source("stamps", policy, lambda network, found: (), no_mistakes, (), all_read, ordered)


def world(*sources: Source) -> World:
    return World.read([SMALL], How(drawn="forgotten", sources=(*SOURCES, *sources)))


def no_ce() -> World:
    """Nothing of acme passes that has met congestion."""
    return world(stamped(Action.DENY, 3, 3))


def test_a_proof_is_about_every_value_and_shows_the_one_that_breaks_it() -> None:
    assert prove(world()).verdict == "holds" == cloison.prove(world()).verdict
    broken = prove(no_ce())
    assert broken.verdict == "fails" and {f.kind for f in broken.findings} == {"expectation"}
    assert all(f.packet and f.packet.endswith(", ecn ce") for f in broken.findings)
    assert {(str(f.verdict and f.verdict.label), f.culprit.title) for f in broken.findings} == {
        ("override_drop", "stamp ecn 3-3")
    }
    let_in = prove(world(stamped(Action.PERMIT_FINAL, 1, 1)))
    reached = [f for f in let_in.findings if f.verdict is Reason.DELIVERED]
    assert reached and all(str(f.packet).endswith(", ecn ect1") for f in reached)


def test_a_certificate_of_it_is_checked_and_one_that_hides_it_is_not() -> None:
    here = no_ce()
    written = json.loads(json.dumps(certificate(prove(here))))
    assert written["fields"] == [["ecn", [0, 3]]]
    assert inconsistencies(written) == []
    assert validity(written, here.network, (), here.policy_read).problems == []
    hidden = {key: value for key, value in written.items() if key != "fields"}
    hidden["digest"] = digest({k: v for k, v in hidden.items() if k != "digest"})
    assert any("no number from 0 to 255" in why for why in inconsistencies(hidden))
    plain = json.loads(json.dumps(certificate(prove(world()))))
    assert "fields" not in plain
    (why,) = validity(plain, here.network, (), here.policy_read).problems
    assert why == "fields: rules cut other fields of packets, or elsewhere"
    for cuts in ([], [["ecn", [0]]], [["ecn", [0, 4]]], [["ecn", [3, 0]]], [["sport", [0, 3]]]):
        forged = written | {"fields": cuts}
        assert [why[:6] for why in inconsistencies(forged)] == ["fields"], cuts


def test_explain_is_about_one_packet_and_says_what_it_carries() -> None:
    here = no_ce()
    passed, dropped = (cloison.explain(here, WEB, API, carrying=c) for c in ({}, {"ecn": "ce"}))
    assert passed.verdict == "allow" and ", ecn not-ect" in str(passed)
    assert dropped.verdict == "deny" and ", ecn ce" in str(dropped)
    assert "stamp ecn 3-3" in str(dropped)
    assert "ecn" not in str(cloison.explain(world(), WEB, API))
    for wrong, why in (({"ecn": "cee"}, '"cee" is no value of ecn'), ({"enc": 1}, 'field "enc"')):
        with pytest.raises(InputError, match=why) as error:
            cloison.explain(here, WEB, API, carrying=wrong)
        assert "did you mean" in str(error.value.diagnostics[0].hint)


def test_what_came_close_fails_on_the_field() -> None:
    only_ect = world(stamped(Action.PERMIT_FINAL, 1, 2))
    found = explain(only_ect, WEB, DB, fields=CE)
    assert found.verdict == "deny"
    denied = trace(only_ect, found.flow)
    assert denied.into is not None
    permits = Policy(tuple(r for r in only_ect.policy_read.rules if r.origin.kind == "stamp"))
    near = nearest(World(only_ect.network, permits), denied.into.packet, Stage.OVERRIDE)
    assert near is not None and near.fails == ("ecn",)


def test_reach_and_diff_say_for_which_values() -> None:
    (row,) = cloison.reach(no_ce(), from_=WEB, to="acme/catalog/api-0")
    assert row["ports"] == "8080/tcp with ecn 0-2"
    assert [r["fields"] for r in row["ports_list"]] == [[["ecn", 0, 2]]]
    lost = list(cloison.diff(world(), no_ce()))
    assert {r["change"] for r in lost} == {"lost"}
    assert all(" with ecn ce" in r["ports"] and r["packet"].endswith(", ecn ce") for r in lost)
    assert {r["because"] for r in lost} == {"stamp ecn 3-3: new"}
    assert list(cloison.diff(no_ce(), no_ce())) == []


def captured(path: Path, here: World, values: Iterable[int]) -> list[Any]:
    """A capture of front to api with these values, by scapy; both IP versions."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    front, api = (next(e for e in here.network.endpoints if e.name == n)
                  for n in (WEB, API.split(":")[0]))  # fmt: skip
    frames = []
    for number, value in enumerate(values):
        for a, b in zip(front.prefixes, api.prefixes, strict=False):
            four = a.version == b.version == 4
            octet = 0xB8 | value
            head = (
                IP(src=str(a[0]), dst=str(b[0]), tos=octet)
                if four
                else IPv6(src=str(a[0]), dst=str(b[0]), tc=octet)
            )
            frames.append(
                Ether(src=MAC, dst=MAC) / head / TCP(sport=40000 + number, dport=8080, flags="S")
            )
    wrpcap(str(path), frames)
    return frames


@pytest.mark.parametrize("stateless", [False, True])
def test_captures_are_decided_by_what_their_packets_carry(tmp_path: Path, stateless: bool) -> None:
    here, path = no_ce(), tmp_path / "a.pcap"
    sent = captured(path, here, (0, 3, 1, 3, 2))
    report = cloison.replay(here, path, vrf="acme", stateless=stateless)
    told = {(r["flow"].rpartition(", ")[2], r["verdict"]) for r in report.flows}
    assert told == {
        ("ecn not-ect", "delivered"), ("ecn ect1", "delivered"), ("ecn ect0", "delivered"),
        ("ecn ce", "override_drop"),
    }  # fmt: skip
    assert sum(r["packets"] for r in report.flows) == len(sent) >= 5
    assert cloison.replay(world(), path, vrf="acme").report.delivered == len(sent)


def test_a_known_flow_passes_whatever_its_later_packets_carry(tmp_path: Path) -> None:
    """As a DPU does: its groups see the first packet alone."""
    here = no_ce()
    flow = explain(here, WEB, API).flow
    later, stranger = replace(flow, fields=CE), replace(flow, fields=CE, sport=50000)
    packets = Packets.of([flow, later, stranger])
    report = send(here, packets, flow_table=FlowTable(), threads=1)
    assert (report.delivered, report.packets) == (2, 3)


def test_generated_traffic_has_every_value() -> None:
    here = no_ce()
    for stream in (all_pairs(here.blocks), random_flows(here.blocks, 500)):
        found = Packets.concat([*stream]).fields["ecn"]
        assert {*found.tolist()} == {0, 2, 3}
    assert n_pairs(here.blocks) == sum(map(len, all_pairs(here.blocks)))


def test_crafted_frames_carry_it() -> None:
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    four, six = (Flow(0, v, 1 << 24, 2 << 24, 6, 1, 2, fields=CE) for v in (4, 6))
    head = Ether(craft(four))[IP]
    assert head.tos == 3
    said, head.chksum = head.chksum, None
    assert IP(bytes(head)).chksum == said
    assert Ether(craft(six))[IPv6].tc == 3
    assert craft(replace(four, fields=())) != craft(four)


def test_dumps_say_it_or_are_refused(tmp_path: Path) -> None:
    made = cloison.compile(no_ce(), target="dash-400g")
    node = made.nodes[0]
    assert '["ecn",3,3]' in re.sub(r"\s", "", made.dump(node, "canonical"))
    assert "any with ecn ce" in made.dump(node, "text")
    with pytest.raises(InputError, match="rules match on ecn, which nftables cannot") as error:
        made.dump(node, "nftables")
    assert error.value.diagnostics[0].code == "C862"
    assert (
        error.value.diagnostics[0].hint == "these can: canonical, text, frr, frr10, linux, linux10"
    )
    with pytest.raises(InputError, match="which nftables cannot"):
        write(made.program, tmp_path, ("text", "nftables"), frozenset(), lambda *said: None)
    assert list(tmp_path.rglob("*.*")) == []
    assert not made.fits
    assert ("entries on ecn", 0) in {(r["table"], r["capacity"]) for r in made.tables}
    assert cloison.compile(world(), target="dash-400g").fits
    able = replace(catalogue.profile("dash-400g"), name="able", fields=frozenset({"ecn"}))
    with TARGETS.also(Target("able", None, able)):
        assert cloison.compile(no_ce(), target="able").fits
    assert any(r["ports"] == "any with ecn ce" for r in rows(no_ce().policy_read))


def test_who_does_not_look_at_it_says_so() -> None:
    here = no_ce()
    with pytest.raises(UndecidedError, match="match on ecn, which a list of questions does not"):
        Questions(here)
    with pytest.raises(UndecidedError, match="match on ecn, which nftables does not look at"):
        nftables.render(here.program, here.network.endpoints[0].vtep)


def test_edits_bring_it_and_take_it_away() -> None:
    plain, limited_ = world(), no_ce()
    for old, new in ((plain, limited_), (limited_, plain)):
        edited = old.edit(new)
        assert [*cloison.diff(edited, new)] == []
        written, fresh = (certificate(prove(w)) for w in (edited, new))
        assert written == fresh


def test_no_property_of_a_row_may_be_left_out(tmp_path: Path) -> None:
    for of in (Field, Writer, Profile, Target):
        assert all(f.default is MISSING and f.default_factory is MISSING for f in fields(of))
    (tmp_path / "half.py").write_text(
        "from compiler.policy.fields import Field\n"
        "from compiler.targets.catalogue import Writer, module\n"
        'Field("half", 3, False, False, None)\n'
        'Writer("half", "NODE", module("text"))\n'
    )
    pytest.importorskip("mypy")
    mypy = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml"]
    done = subprocess.run([*mypy, tmp_path / "half.py"], cwd=ROOT, capture_output=True, text=True)
    assert 'Missing positional argument "words" in call to "Field"' in done.stdout, done.stdout
    missing = '"conditions", "load", "usual", "brings", "dialects" in call to "Writer"'
    assert f"Missing positional arguments {missing}" in done.stdout, done.stdout


PERMANENT = """
from compiler.policy.fields import FIELDS, Field
kept = FIELDS.also(Field("ecn", 3, False, False, {4: 14, 6: 10}, ()))
kept.__enter__()
import numpy as np
from sim.classify.columns import DTYPES, Columns
from sim.classify.l4_classes import meta_classes
from sim.classify.linear import looked_at
from sim.classify.ruleset import Rule, RuleSet
rules = RuleSet.of([Rule(dscp=1)])
ports = np.zeros((2, 3), np.uint16)
columns = Columns(*np.zeros((2, 3), np.uint32), *ports, np.zeros(3, np.uint8))
print("ecn" in FIELDS, "ecn" in DTYPES, looked_at(rules), len(columns.take(slice(2))))
print(len(meta_classes(rules).table))
"""


def test_a_row_that_stays_changes_nothing_of_the_classifier() -> None:
    """Nothing of it looks at what no row of its own says is classified."""
    done = subprocess.run(
        [sys.executable, "-c", PERMANENT], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.stdout.split("\n")[:2] == ["True False ('dscp',) 2", "65536"]


CLASSIFIED = """
from compiler.policy.fields import FIELDS, Field
kept = FIELDS.also(Field("ecn", 3, False, True, {4: 14, 6: 10}, ()))
kept.__enter__()
import random
from ipaddress import ip_network
import numpy as np
from sim.classify import build
from sim.classify.columns import Columns
from sim.classify.linear import looked_at, scan
from sim.classify.ruleset import ANY, Rule, RuleSet
rng = random.Random(7)
NETS = [ip_network(n) for n in ("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24")]

def rule(vnis):
    return Rule(
        vni=rng.choice(vnis), src=(rng.choice(NETS),), dst=(rng.choice(NETS),),
        dport=rng.choice((((0, 65535),), ((80, 443),))), protocols=rng.choice((None, (6,))),
        state=rng.choice((15, 1, 6)), dscp=rng.choice(((1 << 64) - 1, 2, 1 << 63)),
        ecn=rng.choice((15, 1, 2, 6, 8)),
    )

def packets(n, vnis):
    some = lambda values, kind: np.array(rng.choices(values, k=n), kind)
    nets = [0, 10 << 24, (10 << 24) + (1 << 16), (10 << 24) + (1 << 16) + (2 << 8), 1 << 31]
    return Columns(
        some(nets, np.uint32), some(nets, np.uint32), some((1,), np.uint16),
        some((79, 80, 443, 444), np.uint16), some((6, 17), np.uint8), vni=some(vnis, np.uint32),
        state=some(range(4), np.uint8), dscp=some((0, 1, 63), np.uint8),
        ecn=some(range(4), np.uint8),
    )

def holds(r, p, i):
    return (
        r.vni in (ANY, p.vni[i]) and (r.protocols is None or p.protocol[i] in r.protocols)
        and all(int(a[i]) & int(n.netmask) == int(n.network_address)
                for a, (n,) in ((p.src, r.src), (p.dst, r.dst)))
        and r.dport[0][0] <= p.dport[i] <= r.dport[0][1]
        and all(getattr(r, n) >> int(getattr(p, n)[i]) & 1 for n in ("state", "dscp", "ecn"))
    )

for vnis in ((ANY,), (ANY, 5, 7)):
    rules, sent = [rule(vnis) for _ in range(40)], packets(500, (5, 7, 9))
    first = [next((k for k, r in enumerate(rules) if holds(r, sent, i)), -1) for i in range(500)]
    made = build(RuleSet.of(rules))
    print(looked_at(RuleSet.of(rules))[-1], scan(RuleSet.of(rules), sent).tolist() == first,
          made.classify(sent).tolist() == first,
          [made.classify(sent.take(slice(k, k + 1))).item() for k in range(200)] == first[:200],
          len({*first}) > 10,
          {plan.engine for plan in made.plans} <= {"linear"})
short = Columns(*[getattr(sent, n) for n in ("src", "dst", "sport", "dport", "protocol")],
                vni=sent.vni, state=sent.state, dscp=sent.dscp)
try:
    made.classify(short)
except Exception as error:
    print(error.diagnostics[0])
kept.__exit__(None, None, None)
"""


def test_a_row_that_is_classified_is_looked_up_by_every_engine() -> None:
    """Rules and packets have its column, and kernels its step, by the row alone: eight packets at a
    time and one by one."""
    run = [sys.executable, "-c", CLASSIFIED]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    missing = "error[C740]: column ecn is missing: rules look at it"
    assert done.stdout.splitlines() == [*["ecn True True True True False"] * 2, missing]


WRONG: dict[str, dict[str, Any]] = {
    "no field of all values of up to six bits": {"classified": True, "last": 2, "words": ()},
    "is no field of all values": {"classified": True, "last": 255, "at": None},
    "no place in headers of IPv6": {"at": {4: 14}},
    "no place in headers of IPv4": {"at": {4: 159, 6: 10}},
    "columns of its own, which": {"own": True},
    "more words than values": {"words": ("a", "b", "c", "d", "e")},
}


@pytest.mark.parametrize("why", WRONG)
def test_rows_that_contradict_themselves_are_none(why: str) -> None:
    with pytest.raises(ValueError, match=why):
        replace(ROW, **WRONG[why])


def test_what_no_capture_shows_is_not_taken_for_zero(tmp_path: Path) -> None:
    path, here = tmp_path / "a.pcap", no_ce()
    captured(path, here, (0,))
    unseen = replace(ROW, name="identity", at=None)
    with FIELDS.also(unseen):
        limit = Within("identity", 1, 3)
        rule = replace(here.policy_read.rules[-1], l4=(L4(fields=(limit,)),))
        other = World(here.network, here.policy_read + Policy((rule,)))
        with pytest.raises(UndecidedError, match="identity, which no captured packet shows"):
            cloison.replay(other, path)
        assert cloison.explain(other, WEB, API, carrying={"identity": 2}).verdict == "deny"


def test_rules_name_fields_and_values_that_are_there() -> None:
    for name, span, why in (
        ("enc", (0, 1), 'no field of a packet is called "enc"'),
        ("ecn", (0, 4), "ecn is 0 to 3"),
        ("sport", (0, 1), "sport has an argument of its own"),
    ):
        with pytest.raises(ValueError, match=why):
            Within(name, *span)
    with pytest.raises(ValueError, match="3 is the largest"):
        Packets.of([Flow(0, 4, 1, 2, 6, fields=(("ecn", 4),))])
