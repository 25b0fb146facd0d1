"""Cells by their tables alone, read without kernels: a list names the records of all rules that
hold a cell's addresses and of no others, and the intervals of an entry cut the ports once."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import pairwise, product
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from walked_rules import RULES

from sim.classify.axes.cell_grid import MAX_CELLS, merged_cells
from sim.classify.axes.classes import classes_of
from sim.classify.engines.cells import NONE, CellTables, PortTables, cell_tables, records_of
from sim.classify.engines.plan import BUDGET
from sim.classify.ruleset import Rule, RuleSet

POINTER = 1 << 31
IDS = 100
"""Rules are called by other numbers than their places."""
ENDS = (
    "0.0.0.0",
    "10.0.0.0",
    "10.1.0.0",
    "10.1.2.2",
    "10.1.2.3",
    "10.1.3.0",
    "10.2.0.0",
    "200.0.0.0",
)
ADDRESSES = [int(IPv4Address(text)) for text in ENDS]
PROTOCOLS, PORTS = (1, 6, 17, 47), (0, 443, 444, 999, 1000, 1023, 1024, 40000, 40001)


def made(some: list[Rule]) -> CellTables | PortTables:
    """The tables of rules, whatever they cost."""
    rules = RuleSet.of(some)
    classes = classes_of(rules)
    assert classes is not None
    cells = merged_cells(*classes.axes, MAX_CELLS, records_of(rules))
    assert cells is not None
    found = cell_tables(classes, cells, np.arange(len(some)) + IDS, BUDGET, np.inf)
    assert found is not None
    return found


def value(trie: Any, address: int) -> int:
    """The value of an address in a trie of 16, 8 and 8 bits."""
    entry = int(trie[address >> 16])
    for part in (address >> 8 & 255, address & 255):
        if entry & POINTER:
            entry = int(trie[((entry ^ POINTER) << 8) + part])
    return entry


def cell(tables: CellTables | PortTables, src: int, dst: int) -> int:
    return int(tables.x[value(tables.src, src) + value(tables.dst, dst)])


def holding(some: list[Rule], src: int, dst: int) -> Iterator[tuple[int, Rule]]:
    """The rules that hold two addresses."""
    ends = IPv4Address(src), IPv4Address(dst)
    for number, rule in enumerate(some):
        sides = zip(ends, (rule.src, rule.dst), strict=True)
        if all(any(ip in net for net in nets) for ip, nets in sides):
            yield number, rule


def everywhere(rule: Rule) -> bool:
    return all(any(net.prefixlen == 0 for net in nets) for nets in (rule.src, rule.dst))


def fits(rule: Rule, protocol: int, ports: Any, port: int) -> bool:
    known = rule.protocols is None or protocol in rule.protocols
    return known and any(first <= port <= last for first, last in ports)


@settings(max_examples=40)
@given(st.lists(RULES, min_size=1, max_size=8))
def test_a_list_has_the_records_of_the_rules_that_hold_its_addresses(some: list[Rule]) -> None:
    tables = made(some)
    assume(isinstance(tables, CellTables))
    assert isinstance(tables, CellTables)
    records = tables.records.reshape(-1, 4).tolist()
    assert tables.has_any == any(map(everywhere, some))
    for src, dst in product(ADDRESSES, repeat=2):
        at, listed = cell(tables, src, dst), []
        while tables.lists[at] != NONE:
            listed.append(int(tables.lists[at]))
            at += 1
        assert listed == sorted(set(listed))
        wanted = [
            (sport, dport, number + IDS)
            for number, rule in holding(some, src, dst)
            if not everywhere(rule)
            for sport, dport in product(sorted(rule.sport), sorted(rule.dport))
        ]
        unpacked = [
            (*((word & 0xFFFF, (word & 0xFFFF) + (word >> 16)) for word in (sport, dport)), rule)
            for sport, dport, _, rule in (records[n] for n in listed)
        ]
        assert sorted(unpacked) == sorted(wanted)
        for number in listed:
            rule = some[records[number][3] - IDS]
            for protocol in PROTOCOLS:
                held = records[number][2] >> int(tables.meta[protocol]) & 1
                assert bool(held) == (rule.protocols is None or protocol in rule.protocols)


@settings(max_examples=40)
@given(st.lists(RULES, min_size=1, max_size=8))
def test_intervals_of_ports_say_the_first_rule_that_fits(some: list[Rule]) -> None:
    some = [Rule(src=r.src, dst=r.dst, dport=r.dport, protocols=r.protocols) for r in some]
    tables = made(some)
    assert isinstance(tables, PortTables)
    for src, dst, protocol in product(ADDRESSES, ADDRESSES, PROTOCOLS):
        entry = int(tables.entry[cell(tables, src, dst) + int(tables.meta[protocol])])
        begin, more = entry >> 8, entry & 255
        low = tables.low[begin : begin + more + 1].tolist()
        said = tables.value[begin : begin + more + 1].tolist()
        assert low[0] == 0 and all(a < b for a, b in pairwise(low))
        assert all(a != b for a, b in pairwise(said))
        for port in PORTS:
            first = next(
                (
                    n
                    for n, rule in holding(some, src, dst)
                    if fits(rule, protocol, rule.dport, port)
                ),
                None,
            )
            at = int(np.searchsorted(low, port, "right")) - 1
            assert said[at] == (-1 if first is None else first + IDS)
