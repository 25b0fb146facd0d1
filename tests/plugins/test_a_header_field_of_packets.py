"""A header field that is one row, in packets: captures, what is sent and crafted, flows that are
known, and the columns of the classifier."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ecn_bits import API, CE, ROOT, ROW, WEB, captured, no_ce, world

import cloison
from cloison.views.world import World
from compiler.policy.fields import FIELDS, Within
from compiler.policy.ir import (
    L4,
    Policy,
)
from fabric.diagnostics import UndecidedError
from sim.packets.headers import Flow, Packets
from sim.packets.pcap import craft
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.replay import replay as send
from sim.pipeline.traffic import all_pairs, n_pairs, random_flows
from sim.why.one_answer import explain


@pytest.fixture(autouse=True, scope="module")
def row() -> Iterator[None]:
    with FIELDS.also(ROW):
        yield
    assert "ecn" not in FIELDS


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


PERMANENT = """
from compiler.policy.fields import FIELDS, Field
kept = FIELDS.also(Field("ecn", 3, False, False, {4: 14, 6: 10}, ()))
kept.__enter__()
import numpy as np
from sim.classify.columns import DTYPES, Columns
from sim.classify.axes.l4_classes import meta_classes
from sim.classify.engines.linear import looked_at
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
from sim.classify.engines.linear import looked_at, scan
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
