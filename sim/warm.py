"""Compile every kernel once, for the argument types that real use has.

A kernel is compiled for the types of its arguments, so it does not do to name kernels: each step
runs the engines as `build` and `replay` do, on inputs small enough that only compilation takes
time. Tables of classes are bytes or words (`sim.engines.l4`), which are two versions of a kernel;
inputs with few and with many classes are made for both. `tests/sim/test_warm.py` holds that no
kernel is forgotten.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from compiler.ruleset import Rule, RuleSet
from sim.bench.contest import bounds
from sim.bench.traces import trace
from sim.columns import Columns
from sim.engines import build, linear
from sim.engines.cells import cell_tables
from sim.engines.dense import dense_tables
from sim.engines.l4 import l4_classes
from sim.engines.matcher import headers
from sim.engines.plan import BUDGET
from sim.engines.tables import matcher_of
from sim.engines.tuples import tuple_tables

MANY = 300
"""More classes than a byte can tell apart."""
TINY_BUDGET = 8192
"""So little that the blocks of a keyed table find no room in it."""
FABRIC = """\
cloison: 1
name: warm
sites: { s: { spines: 2, leaves: 2, hosts_per_pair: 2, borders: 2 } }
zones:
  zone2:
    endpoints:
      a: { addresses: [192.0.2.0/24, "2001:db8:1::/64"], border: border1 }
      b: { addresses: [198.51.100.1, "2001:db8:2::1"], border: border2 }
    rules:
      - { name: web, from: zone2/a, to: zone2/b, ports: [80/tcp] }
"""


def steps() -> Mapping[str, Callable[[], None]]:
    """What to run, by the name of what it compiles."""
    return {
        "linear scan": scan,
        "dense tables": dense,
        "lists per cell": cells,
        "ports per cell": ports,
        "tuple-space search": tuples,
        "keyed tables": keyed,
        "IPv6 names": renamed,
        "bounds": streams,
        "datapath and flow table": datapath,
        "captures": capture,
    }


def scan() -> None:
    """Every rule in turn, of both IP versions."""
    for version, rules in ((4, few()), (6, few(6))):
        linear.scan(rules, trace(rules, "uniform", 16, version))


def dense() -> None:
    """Dense grids, narrow and wide."""
    for rules in (few(), many()):
        l4 = l4_classes(rules)
        made = None if l4 is None else dense_tables(rules, numbers(rules), l4, BUDGET)
        assert made is not None
        match(made, rules)


def cells() -> None:
    """Lists per cell, narrow and wide: rules look at source ports."""
    for rules in (few(), many(sport=((1, 2),))):
        made = cell_tables(rules, numbers(rules), BUDGET)
        assert made is not None
        match(made, rules)


def ports() -> None:
    """Intervals of ports per cell: no rule looks at source ports."""
    rules = RuleSet.of([Rule(src=(NET,), dport=((80, 80),)), Rule(protocols=(17,))])
    made = cell_tables(rules, numbers(rules), BUDGET)
    assert made is not None
    match(made, rules)


def tuples() -> None:
    """Hashed prefix pairs beside a coarse grid, narrow and wide; chains, heavy pairs, intervals."""
    for rules in (few(), many(), scattered()):
        made = tuple_tables(rules, numbers(rules), BUDGET)
        assert made is not None
        match(made, rules)


def keyed() -> None:
    """Blocks by key, with bytes and words for the classes of the table and of one block; an update
    of one VNI; and blocks that are elsewhere."""
    for rules in (few(vnis=2), many(), many(vnis=3), crossed()):
        rules = named(rules)
        packets = trace(rules, "uniform", 64)
        classifier = build(rules)
        classifier.classify(whole(packets))
        classifier.update(1, rules.take(np.flatnonzero(rules.vni == 1)), np.arange(1))
    rules = named(few(vnis=2))
    for budget in (TINY_BUDGET, 0):
        build(rules, budget=budget).classify(whole(trace(rules, "uniform", 64)))


def renamed() -> None:
    """IPv6 addresses to names."""
    rules = few(6)
    build(rules).classify(trace(rules, "uniform", 64, 6))


def streams() -> None:
    """What the benchmark compares with."""
    for version, rules in ((4, few()), (6, few(6))):
        for run in bounds(trace(rules, "uniform", 16, version)).values():
            run()


def datapath() -> None:
    """A replay with and without flow table, and replies; a change of policy in between."""
    from compiler.blocks import build_blocks
    from sim.conntrack import FlowTable
    from sim.classifier import tables
    from sim.datapath import Datapath
    from sim.replay import replay
    from sim.traffic import all_pairs, random_flows, with_replies

    network, program = world()
    blocks = build_blocks(program)
    path = Datapath(tables(blocks, network), threads=1)
    replay(network, program, with_replies(all_pairs(blocks), path), blocks=blocks)
    replay(network, program, random_flows(blocks, 64, permitted=0.5, datapath=path), blocks=blocks)
    flows = FlowTable()
    for _ in range(2):
        replay(network, program, all_pairs(blocks), blocks=blocks, flow_table=flows)
        flows.generation += 1
    for packets in all_pairs(blocks):
        path.decide(packets, complete=True)


def capture() -> None:
    """A packet of a capture, from frame to verdict."""
    from compiler.blocks import build_blocks
    from sim.attach import attach
    from sim.classifier import tables
    from sim.conntrack import FlowTable
    from sim.pcap import Reader
    from sim.replay import replay

    network, program = world()
    blocks = build_blocks(program)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "one.pcap"
        file.write_bytes(one_packet())
        batches = [attach(network, tables(blocks, network), b) for b in Reader(file)]
    for flows in (None, FlowTable()):
        replay(network, program, batches, blocks=blocks, flow_table=flows)
