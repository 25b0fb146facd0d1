"""The groups of one pipeline stage as a `RuleSet`, so that a classifier can hold them.

    of the program         in the rules
    group                  `endpoint`: the group's id, the identity that endpoints are bound to
    its direction          `direction`
    VRF of a region        `vni`: its index + 1; `ANY_VRF` is ANY, which holds unknown VRFs too
    addresses of a region  destination of OUT, source of IN; the other side is any
    `l4` of an entry       port lists and protocol sets: few products whose union they are
    default of a group     its last rule, for everything

The packet that asks has the remote VRF (index + 1, 0 if there is none) as its `vni`. An entry
becomes one rule per distinct VRF and L4 product; `entries` say which entry a rule stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from typing import Any, NamedTuple

import numpy as np

from compiler.policy.ir import Direction, Packet, Stage
from compiler.program.program import (
    ALL_V4,
    ALL_V6,
    ANY_VRF,
    Entry,
    Group,
    Intervals,
    L4Range,
    Program,
    Region,
    refuse_fields,
)
from fabric.values.ports import ANY
from sim.classify import build as build_engine
from sim.classify.columns import Columns
from sim.classify.ruleset import (
    ALL_DSCP,
    ALL_STATES,
    I64,
    RuleSet,
    prefixes4,
    prefixes6,
    protocols,
    ranges,
)

PortRange = tuple[int, int]
Product = tuple[tuple[int, ...] | None, tuple[PortRange, ...], tuple[PortRange, ...]]
"""Protocols (None: all), source ports, destination ports."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """Rules of a stage; `entries[r]` is the entry that rule r stands for."""

    rules: RuleSet
    entries: I64


class RuleRow(NamedTuple):
    """One rule before it becomes columns."""

    entry: int
    group: Group
    vrf: int
    v4: Intervals
    v6: Intervals
    l4: Product


def lower(program: Program, stage: Stage, groups: Iterable[Group] | None = None) -> Lowered:
    """The groups of a stage: all of the program, or those among `groups`."""
    refuse_fields(program, "a classifier")
    held = program.groups if groups is None else groups
    rows = [row for group in held if group.stage == stage for row in _rows(group)]
    src4, dst4, src6, dst6 = _sides(rows)
    n = len(rows)
    rules = RuleSet(
        np.array([ANY if row.vrf == ANY_VRF else row.vrf + 1 for row in rows], np.int64),
        np.array([row.group.direction for row in rows], np.int8),
        np.array([row.group.id for row in rows], np.int64),
        prefixes4(src4),
        prefixes4(dst4),
        prefixes6(src6),
        prefixes6(dst6),
        ranges([row.l4[1] for row in rows]),
        ranges([row.l4[2] for row in rows]),
        protocols([row.l4[0] for row in rows]),
        np.full(n, ALL_STATES, np.uint8),
        np.full(n, ALL_DSCP, np.uint64),
    )
    return Lowered(rules, np.array([row.entry for row in rows], np.int64))


def _sides(rows: Iterable[RuleRow]) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Prefix lists of every row: source and destination of IPv4, then of IPv6."""
    prefixes = cache(_prefixes)
    sides: tuple[list[Any], list[Any], list[Any], list[Any]] = ([], [], [], [])
    for row in rows:
        for version, remote, anywhere in ((4, row.v4, ALL_V4), (6, row.v6, ALL_V6)):
            pair = anywhere, remote
            src, dst = pair if row.group.direction is Direction.OUT else reversed(pair)
            sides[version - 4].append(prefixes(version, src))
            sides[version - 3].append(prefixes(version, dst))
    return sides


def _rows(group: Group) -> Iterator[RuleRow]:
    for entry in (*group.entries, group.default_entry):
        yield from (
            RuleRow(entry.id, group, vrf, v4, v6, l4)
            for vrf, v4, v6 in _by_vrf(entry)
            for l4 in products(entry.l4)
        )


def _by_vrf(entry: Entry) -> Iterator[tuple[int, Intervals, Intervals]]:
    """The regions of an entry, those behind one VRF together."""
    found: dict[int, list[Region]] = {}
    for region in entry.regions:
        found.setdefault(region.vrf, []).append(region)
    for vrf, regions in sorted(found.items()):
        yield vrf, sum((r.v4 for r in regions), ()), sum((r.v6 for r in regions), ())


def products(l4: Iterable[L4Range]) -> list[Product]:
    """Ranges as few products of lists: what differs in one field only becomes a list of it.

    >>> products([L4Range(6, dport=(80, 80)), L4Range(6, dport=(443, 443)), L4Range(17)])
    [((6,), ((0, 65535),), ((80, 80), (443, 443))), ((17,), ((0, 65535),), ((0, 65535),))]
    """
    whole = [((r.protocol,), (r.sport,), (r.dport,)) for r in l4]
    for field in (2, 0, 1):
        whole = _listed(whole, field)
    return [
        (None if ANY in protocol else protocol, sport, dport) for protocol, sport, dport in whole
    ]


def _listed(found: list[Any], field: int) -> list[Any]:
    """Products that agree in the other two fields, as one."""
    lists: dict[Any, dict[Any, None]] = {}
    for product in found:
        others = (*product[:field], *product[field + 1 :])
        lists.setdefault(others, {}).update(dict.fromkeys(product[field]))
    return [(*others[:field], tuple(members), *others[field:]) for others, members in lists.items()]


def _prefixes(version: int, intervals: Intervals) -> list[Any]:
    kind = IPv4Address if version == 4 else IPv6Address
    return [
        prefix
        for first, last in intervals
        for prefix in summarize_address_range(kind(first), kind(last))
    ]


def columns(program: Program, stage: Stage, version: int, packets: list[Packet]) -> Columns:
    """What a pipeline stage is asked: the group's id and the remote as it sees it."""
    out = np.array([p.direction is Direction.OUT for p in packets])
    ip = np.array([p.remote_ip for p in packets], object)
    words = {"": ip} if version == 4 else {"": ip >> 64, "_lo": ip & (2**64 - 1)}
    addresses = {
        f"{side}{part}": np.where(remote, word, 0).astype(np.uint32 if version == 4 else np.uint64)
        for side, remote in (("src", ~out), ("dst", out))
        for part, word in words.items()
    }
    group = [program.bindings[p.direction, p.local, program.stages.index(stage)] for p in packets]
    return Columns(
        **addresses,
        sport=np.array([p.sport for p in packets], np.uint16),
        dport=np.array([p.dport for p in packets], np.uint16),
        protocol=np.array([p.protocol for p in packets], np.uint8),
        vni=np.array([p.remote_vrf + 1 for p in packets], np.uint32),
        direction=np.array([p.direction for p in packets], np.uint8),
        endpoint=np.array(group, np.int64).astype(np.uint32),
    )


def classified(program: Program, stage: Stage, version: int, packets: list[Packet]) -> list[int]:
    """The entries that a classifier of the stage finds."""
    lowered = lower(program, stage)
    found = build_engine(lowered.rules, ids=lowered.entries)
    return found.classify(columns(program, stage, version, packets)).tolist()
