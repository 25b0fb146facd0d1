"""Every engine answers as a scan over all rules does, and refuses what it cannot read."""

from __future__ import annotations

import ctypes
import mmap
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_sets.firewall_sets import firewall
from rule_sets.one_version import nothing6
from rule_worlds import SHAPES, Shape, boundary_packets, force, random_list, random_rules

from fabric.diagnostics import InputError
from sim.classify import build, choose
from sim.classify.columns import Columns
from sim.classify.engines import lookup
from sim.classify.engines.linear import scan
from sim.classify.ruleset import (
    ALL_DSCP,
    ANY,
    Prefixes,
    Ranges,
    Rule,
    RuleSet,
    protocols,
    single,
)
from sim.classify.traces import trace

ENGINES = ("chosen", "hybrid", "linear")
PACKETS = 4001
SETS = 12


@cache
def asked(shape: str, seed: int) -> tuple[RuleSet, list[tuple[Columns, np.ndarray]]]:
    """Rules, and packets on their boundaries with the scan's answers: the same for all engines."""
    rules = random_rules(SHAPES[shape], seed)
    versions = SHAPES[shape].versions
    packets = [boundary_packets(rules, version, PACKETS, seed) for version in versions]
    return rules, [(some, scan(rules, some)) for some in packets]


@pytest.mark.slices(4)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_engine_agrees_with_the_scan(
    shape: str, engine: str, lanes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a million packets on boundaries in all."""
    force(engine, monkeypatch)
    sets = SETS if engine != "linear" else 3
    used = set[str]()
    for seed in range(sets if lanes == "lanes" else 3):
        rules, scanned = asked(shape, seed)
        classifier = build(rules)
        used |= {plan.engine for plan in classifier.plans}
        for packets, answers in scanned:
            wrong = np.flatnonzero(classifier.classify(packets) != answers)
            assert not len(wrong), (seed, classifier.plans, packets.take(wrong[:1]))
    if engine != "chosen":
        assert engine in used


@pytest.mark.parametrize("shape", ["all keys", "IPv6", "VNI"])
def test_few_rules_and_packets(shape: str, lanes: str) -> None:
    """A law for kernels that run as plain Python as well (`NUMBA_DISABLE_JIT=1`, without lanes)."""
    for seed in range(3):
        rules = random_rules(replace(SHAPES[shape], n=30), seed)
        classifier = build(rules)
        for version in SHAPES[shape].versions:
            packets = boundary_packets(rules, version, 100, seed)
            assert (classifier.classify(packets) == scan(rules, packets)).all()


def test_few_rules_without_source_ports(lanes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells with intervals of ports, which other engines leave no room for."""
    used = set[str]()
    made = choose.matcher_of
    monkeypatch.setattr(choose, "dense_tables", lambda *given: None)
    monkeypatch.setattr(choose, "tuple_cost", lambda n: choose.NEVER)
    monkeypatch.setattr(choose, "matcher_of", lambda t: used.add(type(t).__name__) or made(t))
    for seed in range(2):
        rules = [replace(r, sport=((0, 65535),)) for r in random_list(Shape(n=30), seed)]
        columns = boundary_packets(RuleSet.of(rules), 4, 200, seed)
        same = build(RuleSet.of(rules)).classify(columns) == scan(RuleSet.of(rules), columns)
        assert same.all()
    assert used == {"PortTables"}


@pytest.mark.slices(3)
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 60),
    lists=st.integers(1, 4),
    vnis=st.integers(0, 3),
    endpoints=st.integers(0, 2),
    directions=st.booleans(),
    meta=st.booleans(),
    version=st.sampled_from([4, 6]),
    ports=st.integers(1, 40),
    nets=st.integers(1, 40),
    packets=st.integers(0, 40),
)
def test_any_shape(seed: int, packets: int, version: int, **shape: int) -> None:
    """Shapes nobody thought of, and batches shorter than a vector."""
    rules = random_rules(Shape(versions=(version,), **shape), seed)  # type: ignore[arg-type]
    columns = boundary_packets(rules, version, packets, seed)
    assert (build(rules).classify(columns) == scan(rules, columns)).all()


def test_ids_are_those_asked_for() -> None:
    """`ids` replaces row numbers in every engine's answers."""
    rules = random_rules(SHAPES["all keys"], 1)
    ids = np.arange(len(rules))[::-1] * 7
    packets = boundary_packets(rules, 4, 500, 1)
    rows = scan(rules, packets)
    expected = np.where(rows < 0, -1, ids[rows])
    assert (build(rules, ids=ids).classify(packets) == expected).all()


def test_threads_change_nothing() -> None:
    """Slices over threads give the same answers."""
    rules = random_rules(SHAPES["VNI"], 3)
    few = boundary_packets(rules, 4, 3000, 3)
    many = few.take(np.arange(600_000) % 3000)
    classifier = build(rules)
    assert (classifier.classify(many) == classifier.classify(many, threads=2)).all()


def test_nothing_matches_nothing() -> None:
    """No rules, no packets, and rules of the other IP version."""
    none = RuleSet.of([])
    packets = boundary_packets(random_rules(Shape(), 0), 4, 20, 0)
    assert (build(none).classify(packets) == -1).all()
    assert len(build(random_rules(Shape(), 0)).classify(packets.take(slice(0, 0)))) == 0
    only6 = random_rules(SHAPES["IPv6"], 0)
    assert (build(only6).classify(packets) == -1).all()


def test_unknown_keys_find_only_rules_for_any_key() -> None:
    """A VNI, direction or endpoint that no rule names is nobody's."""
    rules = RuleSet.of([Rule(vni=5, direction=0, endpoint=9), Rule(vni=7), Rule(endpoint=3)])
    zero = np.zeros(5, np.uint32)
    packets = Columns(
        zero, zero, *np.zeros((2, 5), np.uint16), np.zeros(5, np.uint8),
        vni=np.array([5, 5, 2**32 - 1, 7, 6], np.uint32),
        direction=np.array([0, 255, 0, 1, 1], np.uint8),
        endpoint=np.array([9, 9, 9, 2**32 - 1, 3], np.uint32),
    )  # fmt: skip
    assert build(rules).classify(packets).tolist() == [0, -1, -1, 1, 2]


def test_wrong_columns_are_refused_all_at_once() -> None:
    """Wrong dtype, length, layout and values are named."""
    good = np.zeros(4, np.uint32)
    with pytest.raises(InputError) as error:
        Columns(good, good.astype(np.int64), *np.zeros((2, 4), np.uint16), np.zeros(3, np.uint8),
                dscp=np.full(4, 64, np.uint8))  # fmt: skip
    text = str(error.value)
    assert text.count("C740") == 3
    for part in ("dst is int64", "protocol has 3 rows", "dscp has the value 64"):
        assert part in text


def test_half_an_ipv6_address_is_not_called_a_wide_ipv4_one() -> None:
    """The advice to make it 32 bits wide would be wrong."""
    words, ports = np.zeros(1, np.uint64), np.zeros(1, np.uint16)
    with pytest.raises(InputError, match="IPv6 needs both src_lo and dst_lo") as error:
        Columns(words, words, ports, ports, np.zeros(1, np.uint8))
    assert str(error.value).count("C740") == 1


def test_a_missing_column_is_refused() -> None:
    """Rules that look at the VNI need one."""
    packets = Columns(
        *np.zeros((2, 1), np.uint32), *np.zeros((2, 1), np.uint16), np.zeros(1, np.uint8)
    )
    with pytest.raises(InputError, match="column vni is missing"):
        build(RuleSet.of([Rule(vni=1)])).classify(packets)


def test_read_only_columns_are_read() -> None:
    """Mapped traces are read-only."""
    rules = random_rules(Shape(), 0)
    packets = boundary_packets(rules, 4, 100, 0)
    expected = build(rules).classify(packets)
    for column in (packets.src, packets.dst, packets.sport):
        column.flags.writeable = False
    assert (build(rules).classify(packets) == expected).all()


def before_a_wall(column: np.ndarray) -> np.ndarray:
    """The same values, behind which lies a page that nobody may read."""
    size = -(-column.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = np.frombuffer(mmap.mmap(-1, size + mmap.PAGESIZE), np.uint8)
    wall = ctypes.c_void_p(memory.ctypes.data + size)
    assert ctypes.CDLL(None).mprotect(wall, ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    place = memory[size - column.nbytes : size].view(column.dtype)
    place[:] = column
    return place


def columns_of(packets: Columns) -> list[tuple[str, np.ndarray | None]]:
    """Every column by name."""
    return [(field.name, getattr(packets, field.name)) for field in fields(packets)]


@pytest.mark.parametrize("name", [*SHAPES, "acl", "fw", "ipc"])
def test_nothing_is_read_behind_the_columns(name: str) -> None:
    """A mapped column may end where the memory does."""
    rules = firewall(name, 300) if name not in SHAPES else random_rules(SHAPES[name], 0)
    classifier = build(rules)
    for version in (4, 6):
        packets = boundary_packets(rules, version, 800, 0)
        walled = {
            name: None if column is None else before_a_wall(column)
            for name, column in columns_of(packets)
        }
        assert (classifier.classify(Columns(**walled)) == classifier.classify(packets)).all()


def test_scratch_is_as_long_as_a_block() -> None:
    """Kernels take blocks of the length that callers make room for."""
    from sim.kernels.match import cells, dense, keyed, tuple_lanes
    from sim.kernels.match import port_intervals as ports

    rows, columns = lookup.SCRATCH
    together = tuple_lanes.BLOCK + tuple_lanes.WAITING
    assert (
        max(cells.BLOCK, dense.BLOCK, keyed.BLOCK, ports.BLOCK, together) + lookup.LANES <= columns
    )
    assert rows > 7 + tuple_lanes.CLASSES


def test_rare_lengths_in_a_large_table() -> None:
    """Steps of lengths are chosen on a sample; a length that it misses is hashed all the same."""
    n = 20_000
    rng = np.random.default_rng(0)
    rules = firewall("acl", n)
    packets = trace(rules, "corner", 4000)
    rare = np.flatnonzero(rules.src4.length < 8)
    assert 0 < len(rare) < n // 1000 * 20
    near = rules.take(rng.permutation(rare))
    more = trace(near, "uniform", 4000)
    classifier = build(rules)
    assert classifier.plans[0].engine == "hybrid"
    for columns in (packets, more):
        assert (classifier.classify(columns) == scan(rules, columns)).all()


def test_best_rules_of_tuples_are_rounded_down(lanes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item has 20 bits for its best rule; with two here, 64 rules look alike."""
    force("hybrid", monkeypatch)
    monkeypatch.setattr("sim.classify.engines.tuples.ITEM_BITS", 2)
    for seed in range(SETS):
        rules, ((columns, answers),) = asked("rows", seed)
        assert (build(rules).classify(columns) == answers).all()


def test_rules_that_cannot_be_are_refused() -> None:
    """Every wrong value is named."""
    with pytest.raises(InputError) as error:
        Rule(vni=1 << 24, dport=((9, 5), (0, 70_000)), protocols=(300,), src=("10.0.0.0/8",))  # type: ignore[arg-type]
    assert str(error.value).count("C746") == 5
    for wrong in (
        {"dport": (443,)},
        {"dport": (443, 443)},
        {"sport": ((1, 2, 3),)},
        {"protocols": 6},
        {"protocols": ("tcp",)},
        {"src": None},
        {"vni": "7"},
    ):
        with pytest.raises(InputError, match="C746"):
            Rule(**wrong)  # type: ignore[arg-type]


def test_more_short_prefixes_than_a_leaf_can_number() -> None:
    """Coarse rows are numbered with 16 bits; a table with more of them takes fewer rules."""
    n = 1 << 16
    first = np.concatenate([np.arange(n) << 16, np.arange(n // 2) << 17]).astype(np.uint32)
    length = np.repeat([16, 15], [n, n // 2]).astype(np.uint8)
    count = len(first)
    lists = single(count)
    ports = Ranges(lists, np.zeros(count, np.uint16), np.full(count, 65535, np.uint16))
    nowhere = Prefixes(lists, np.zeros(count, np.uint32), np.zeros(count, np.uint8))
    every = np.full(count, ANY)
    rules = RuleSet(
        every, every.astype(np.int8), every, Prefixes(lists, first, length), nowhere,
        nothing6(count), nothing6(count), ports, ports,
        protocols([None]).repeat(count, axis=0), np.full(count, 15, np.uint8),
        np.full(count, ALL_DSCP, np.uint64),
    )  # fmt: skip
    packets = trace(rules, "random", 500)
    assert (build(rules).classify(packets) == scan(rules, packets)).all()


@pytest.mark.parametrize(
    "out", [np.zeros(3, np.int32), np.zeros(20, np.int64), np.zeros(40, np.int32)[::2]]
)
def test_answers_need_a_place(out: object) -> None:
    """`out` of the wrong length, type or layout is refused."""
    rules = random_rules(Shape(), 0)
    with pytest.raises(InputError, match="C740"):
        build(rules).classify(boundary_packets(rules, 4, 20, 0), out=out)  # type: ignore[arg-type]


def test_keys_beyond_their_range_are_refused() -> None:
    """Columns can hold what rules written one by one cannot."""
    rules = RuleSet.of([Rule(vni=1), Rule(vni=2)])
    rules.vni[1] = 1 << 30
    with pytest.raises(InputError, match="vni 1073741824"):
        build(rules)


def test_high_endpoints_and_an_empty_linear_block() -> None:
    """Endpoints too high for a table are searched; a block without rules has no answer."""
    rules = RuleSet.of([Rule(endpoint=2**32 - 1), Rule(vni=3, endpoint=7)])
    packets = boundary_packets(rules, 4, 200, 0)
    assert (build(rules).classify(packets) == scan(rules, packets)).all()
    only = RuleSet.of([Rule(vni=3)])
    assert (build(only, budget=0).classify(packets) == scan(only, packets)).all()
