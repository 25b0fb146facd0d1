"""Compile every kernel once, for the argument types that real use has.

A kernel is compiled for the types of its arguments, so it does not do to name kernels: each step
runs the engines as `build` and `replay` do, on inputs small enough that only compilation takes
time. Tables of classes are bytes or words (`sim.classify.axes.l4_classes`), which makes two
versions of a kernel; there are inputs with few and with many classes for both.
`tests/sim/pipeline/test_warm.py` holds that no kernel is forgotten.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fabric.building.build import build as build_network
from fabric.building.load import load
from fabric.diagnostics import MachineError
from sim import kernels
from sim.classify import build
from sim.classify.axes.cell_grid import MAX_CELLS, Cells, merged_cells
from sim.classify.axes.classes import Classes, classes_of
from sim.classify.choose import matcher_of
from sim.classify.columns import Columns
from sim.classify.engines import linear
from sim.classify.engines.cells import cell_tables, records_of
from sim.classify.engines.dense import dense_tables
from sim.classify.engines.lookup import headers
from sim.classify.engines.plan import BUDGET, NEVER
from sim.classify.engines.tuples import tuple_tables
from sim.classify.ruleset import ANY, I64, Rule, RuleSet
from sim.packets.pcap import Reader
from sim.pipeline.arrivals import attach
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import replay
from sim.pipeline.traffic import all_pairs, random_flows, with_replies
from sim.worlds.world import World

MANY = 300
"""More classes than a byte can tell apart."""
SCATTERED = 3000
"""More single addresses than a trie of 1 MiB holds."""
CROWD = 64
"""Rules of one prefix pair: enough to be tabulated."""
PACKETS = 64
RAW_IP = 101
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


@dataclass(frozen=True, slots=True)
class Warmed:
    """What a run did: versions of kernels compiled, those in the cache now, and the time."""

    place: Path
    compiled: int
    cached: int
    seconds: float


def warm(tell: Callable[..., None] = lambda *_: None) -> Warmed:
    """Compile what the cache lacks, on two cores. `MachineError` where there can be no cache.

    The two processes compile different kernels: who writes the list of a kernel's versions last,
    wins.
    """
    if kernels.CACHE_DIR is None or not kernels.WRITABLE:
        raise MachineError("no place to keep compiled kernels: set XDG_CACHE_HOME to one")
    before, started = cached(kernels.CACHE_DIR), time.perf_counter()
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        paths = [pool.submit(step) for step in PATHS.values()]
        for number, (name, step) in enumerate(ENGINES.items()):
            tell(name, number, len(ENGINES) + 1)
            step()
        tell("datapath", len(ENGINES), len(ENGINES) + 1)
        for done in paths:
            done.result()
    after = cached(kernels.CACHE_DIR)
    return Warmed(kernels.CACHE_DIR, after - before, after, time.perf_counter() - started)


def cached(place: Path) -> int:
    """Compiled versions of kernels in a cache."""
    return sum(1 for _ in place.glob("**/*.nbc"))


def scan() -> None:
    """Every rule in turn, of both IP versions."""
    for version, rules in ((4, few()), (6, few(6))):
        linear.scan(rules, packets(rules, version))


def dense() -> None:
    """Dense grids, narrow and wide."""
    for rules in (few(), many()):
        classes, merged = grid(rules)
        made = None if classes.l4 is None else dense_tables(merged, classes.l4, numbers(rules))
        assert made is not None
        match(made, rules)


def cells() -> None:
    """Lists per cell, narrow and wide: rules look at source ports."""
    for rules in (few(), many(sport=(1, 2))):
        made = cell_tables(*grid(rules), numbers(rules), BUDGET, NEVER)
        assert made is not None
        match(made, rules)


def ports() -> None:
    """Intervals of ports per cell: no rule looks at source ports."""
    inside = (IPv4Network("10.0.0.0/8"),)
    rules = RuleSet.of([Rule(src=inside, dport=((80, 80),)), Rule(protocols=(17,))])
    made = cell_tables(*grid(rules), numbers(rules), BUDGET, NEVER)
    assert made is not None
    match(made, rules)


def tuples() -> None:
    """Hashed prefix pairs beside a coarse grid, narrow and wide; chains, heavy pairs, intervals."""
    for rules in (few(), many(), scattered()):
        classes = classes_of(rules)
        assert classes is not None
        made = tuple_tables(classes, numbers(rules), BUDGET)
        assert made is not None
        match(made, rules)


def keyed() -> None:
    """Blocks by key, with bytes and words for the classes of the table and of one block; an update
    of one VNI; and blocks that are elsewhere."""
    for rules in (few(vnis=2), many(vnis=1), many(vnis=3), crossed()):
        classifier = build(rules)
        classifier.classify(packets(rules))
        first = rules.take(np.flatnonzero(rules.vni == 1))
        classifier.update(1, first, numbers(first))
    rules = few(vnis=2)
    build(rules, budget=0).classify(packets(rules))


def renamed() -> None:
    """IPv6 addresses to names."""
    rules = few(6)
    build(rules).classify(packets(rules, 6))


def streams() -> None:
    """What the machine could do at best, which `cloison bench` tells beside every speed."""
    from sim.kernels.match.bounds import TABLE_SIZE, gather12, stream

    table, out = np.arange(TABLE_SIZE, dtype=np.uint32), np.empty(PACKETS + 1, np.int32)
    for version in (4, 6):
        p = packets(few(version), version)
        five = p.src, p.dst, p.sport, p.dport, p.protocol
        stream(*five, out)
        gather12(table, *five, out)


def datapath() -> None:
    """Replays with and without a flow table, with replies, and with a change of policy."""
    known = world()
    blocks, path = known.blocks, Datapath.of(known, threads=1)
    for traffic in (
        with_replies(all_pairs(blocks), path),
        random_flows(blocks, PACKETS, permitted=0.5, datapath=path),
    ):
        replay(known, traffic)
    flows = FlowTable()
    for _ in range(2):
        replay(known, all_pairs(blocks), flow_table=flows)
        flows.bump()
    for batch in all_pairs(blocks):
        path.decide(batch, complete=True)


def captures() -> None:
    """A packet of a capture, from its frame to the verdict."""
    known = world()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "one.pcap"
        file.write_bytes(capture())
        found = [attach(known, batch, ()) for batch in Reader(file)]
    for flows in (None, FlowTable()):
        replay(known, found, flow_table=flows)


def match(made: Any, rules: RuleSet) -> None:
    """A few packets through tables that were made of rules."""
    some: Any = packets(rules)
    out = np.empty(len(some), np.int32)
    matcher_of(made).match(headers(some, some.src, some.dst), 0, len(some), out)


def packets(rules: RuleSet, version: int = 4) -> Columns:
    """Packets of zeros in the columns that rules look at: kernels go by types alone."""
    n, wide = PACKETS + 1, version == 6
    src, dst = (np.zeros(n, np.uint64) if wide else np.zeros(n, np.uint32) for _ in range(2))
    src_lo, dst_lo = (np.zeros(n, np.uint64) if wide else None for _ in range(2))
    sport, dport = (np.zeros(n, np.uint16) for _ in range(2))
    vni = np.ones(n, np.uint32) if (rules.vni != ANY).any() else None
    return Columns(src, dst, sport, dport, np.zeros(n, np.uint8), src_lo, dst_lo, vni)


def grid(rules: RuleSet) -> tuple[Classes, Cells]:
    """Classes of rules, and the merged cells of their addresses."""
    classes = classes_of(rules)
    assert classes is not None
    merged = merged_cells(*classes.axes, MAX_CELLS, records_of(rules))
    assert merged is not None
    return classes, merged


def numbers(rules: RuleSet) -> I64:
    """What rules answer."""
    return np.arange(len(rules), dtype=np.int64)


def few(version: int = 4, vnis: int = 0) -> RuleSet:
    """Few classes: nested prefixes, single addresses, port ranges on either side."""
    rules = [*_few(version)]
    keyed = [replace(rule, vni=vni) for vni in range(1, vnis + 1) for rule in rules]
    return RuleSet.of(keyed or rules)


def _few(version: int) -> Iterator[Rule]:
    kind, width = (IPv4Network, 32) if version == 4 else (IPv6Network, 128)
    for length in (0, 8, 24, width):
        prefix = (kind((10 << (width - 8) >> (width - length) << (width - length), length)),)
        yield Rule(src=prefix, sport=((1, 99),), dport=((80, 80), (443, 443)))
        yield Rule(dst=prefix, protocols=(17,))


def many(vnis: int = 0, sport: tuple[int, int] = (0, 65535)) -> RuleSet:
    """Many classes of destination ports, dealt to the VNIs."""
    rules = [Rule(sport=(sport,), dport=((port, port),)) for port in range(MANY)]
    keyed = [replace(rule, vni=1 + port % vnis) for port, rule in enumerate(rules) if vnis]
    return RuleSet.of(keyed or rules)


def crossed() -> RuleSet:
    """Few classes of each field, many of their product."""
    return RuleSet.of(
        [Rule(vni=1, dport=((2 * port, 2 * port),)) for port in range(24)]
        + [Rule(vni=1, protocols=(number,)) for number in range(24)]
    )


def scattered() -> RuleSet:
    """Single addresses far apart, and one pair of them with a crowd of rules."""
    spread = [IPv4Network((i * 1_000_003 % (1 << 32), 32)) for i in range(SCATTERED)]
    crowd = [Rule(src=(spread[0],), dst=(spread[0],), dport=((i, i),)) for i in range(CROWD)]
    return RuleSet.of(crowd + [Rule(src=(a,), dst=(a,), dport=((7, 8),)) for a in spread])


def world() -> World:
    """Two borders and what lies behind them."""
    return World(build_network(load("-", FABRIC)[0]))


def capture() -> bytes:
    """A pcap file with one TCP packet of that world."""
    addresses = (ip_address(a).packed for a in ("192.0.2.1", "198.51.100.1"))
    packet = struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + b"".join(addresses)
    packet += struct.pack(">HHIIBBHHH", 40000, 80, 0, 0, 0x50, 2, 1024, 0, 0)
    size = len(packet)
    header = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, RAW_IP)
    return header + struct.pack("<IIII", 0, 0, size, size) + packet


ENGINES: Mapping[str, Callable[[], None]] = {
    "linear scan": scan,
    "dense tables": dense,
    "lists per cell": cells,
    "ports per cell": ports,
    "tuple-space search": tuples,
    "keyed tables": keyed,
    "IPv6 names": renamed,
    "bounds": streams,
}
"""What compiles the engines' kernels, by name."""
PATHS: Mapping[str, Callable[[], None]] = {"datapath": datapath, "captures": captures}
"""What compiles those of packets' ways."""
