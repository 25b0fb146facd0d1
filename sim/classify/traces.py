"""Packets to classify, drawn from rules with a seed.

uniform   a random rule, a random member of each of its lists, a random point inside
zipf      100,000 such flows, the k-th with weight k^-1.1
corner    as uniform, but at the ends of prefixes and ranges, and one beyond
mixed     each field from a random rule of the same VNI
random    addresses and ports uniformly random, TCP, UDP or ICMP
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import same_rows
from sim.classify.columns import Columns
from sim.classify.ruleset import ANY, Prefixes, Prefixes6, Ranges, RuleSet

KINDS = ("uniform", "zipf", "corner", "mixed", "random")
FLOWS, EXPONENT = 100_000, 1.1
WORDS = 1 << 64

I64 = NDArray[np.int64]
PROTOCOLS = np.array([6, 17, 1], np.uint8)


def trace(rules: RuleSet, kind: str, n: int, version: int = 4, seed: int = 5) -> Columns:
    """`n` packets of one kind. Rules that match no packet of that IP version are left out.

    >>> from sim.classify.ruleset import Rule
    >>> packets = trace(RuleSet.of([Rule(vni=7, dport=((443, 443),))]), "uniform", 3)
    >>> packets.vni.tolist(), packets.dport.tolist()
    ([7, 7, 7], [443, 443, 443])
    """
    rng = np.random.default_rng([seed, n, *kind.encode()])
    if kind == "zipf":
        flows = min(n, FLOWS)
        weights = np.cumsum(np.arange(1, flows + 1) ** -EXPONENT)
        drawn = np.searchsorted(weights / weights[-1], rng.random(n), "right")
        return trace(rules, "uniform", flows, version, seed).take(rng.permutation(flows)[drawn])
    usable = _usable(rules, version)
    if kind == "random" or not len(usable):
        return _random(rules, n, version, rng)
    return _drawn(rules, usable[rng.integers(0, len(usable), n)], version, kind, rng)


def _usable(rules: RuleSet, version: int) -> I64:
    lists = [getattr(rules, f"{side}{version}") for side in ("src", "dst")]
    lists += [rules.sport, rules.dport]
    full = np.logical_and.reduce([np.diff(column.off) > 0 for column in lists])
    usable: I64 = np.flatnonzero(full & (rules.protocol != 0).any(axis=1))
    return usable


def _drawn(rules: RuleSet, picked: I64, version: int, kind: str, rng: Any) -> Columns:
    """Packets of these rules."""

    def rule() -> I64:
        return _same_vni(rules, picked, version, rng) if kind == "mixed" else picked

    corner = kind == "corner"
    src, src_lo = _address(getattr(rules, f"src{version}"), rule(), corner, rng)
    dst, dst_lo = _address(getattr(rules, f"dst{version}"), rule(), corner, rng)
    return Columns(
        src,
        dst,
        _port(rules.sport, rule(), corner, rng),
        _port(rules.dport, rule(), corner, rng),
        _protocol(rules.protocol, rule(), rng),
        src_lo,
        dst_lo,
        _vni(rules, picked, rng),
    )


def _random(rules: RuleSet, n: int, version: int, rng: Any) -> Columns:
    kind = np.uint32 if version == 4 else np.uint64
    src, dst = (rng.integers(0, 2 ** (8 * kind().itemsize), n, kind) for _ in range(2))
    src_lo, dst_lo = (rng.integers(0, WORDS, n, np.uint64) for _ in range(2))
    if version == 4:
        src_lo = dst_lo = None
    sport, dport = (rng.integers(0, 1 << 16, n, np.uint16) for _ in range(2))
    vni = _vni(rules, rng.integers(0, max(1, len(rules)), n), rng)
    return Columns(src, dst, sport, dport, rng.choice(PROTOCOLS, n), src_lo, dst_lo, vni)


def _member(off: I64, rule: I64, rng: Any) -> I64:
    count = np.diff(off)[rule]
    member: I64 = off[rule] + (rng.random(len(rule)) * count).astype(np.int64)
    return member


def _same_vni(rules: RuleSet, picked: I64, version: int, rng: Any) -> I64:
    """For each rule a random one of the same VNI."""
    usable = _usable(rules, version)
    order = usable[np.argsort(rules.vni[usable], kind="stable")]
    vnis = rules.vni[order]
    first = np.searchsorted(vnis, rules.vni[picked], "left")
    count = np.searchsorted(vnis, rules.vni[picked], "right") - first
    found: I64 = order[first + (rng.random(len(picked)) * count).astype(np.int64)]
    return found


def _address(lists: Prefixes | Prefixes6, rule: I64, corner: bool, rng: Any) -> tuple[Any, Any]:
    """The one or two words of addresses inside (or just outside) a prefix of each rule."""
    at = _member(lists.off, rule, rng)
    length = lists.length[at].astype(np.int64)
    if isinstance(lists, Prefixes):
        return _point(lists.first[at], _host_bits(length, 32), corner, rng).astype(np.uint32), None
    hi = _point(lists.hi[at], _host_bits(length, 64), corner, rng)
    return hi, _point(lists.lo[at], _host_bits(length - 64, 64), corner, rng)


def _point(first: Any, host: Any, corner: bool, rng: Any) -> Any:
    """A word of the prefix `first` with these host bits; at a corner its first, its last, and now
    and then the word before or after."""
    n, first = len(first), first.astype(np.uint64)
    if not corner:
        return first | rng.integers(0, WORDS, n, np.uint64) & host
    step = rng.choice(np.array([0, 0, 0, 0, 0, 0, 1, WORDS - 1], np.uint64), n)
    return np.where(rng.random(n) < 0.5, first, first | host) + step


def _host_bits(length: I64, width: int) -> NDArray[np.uint64]:
    table = np.array([(1 << (width - n)) - 1 for n in range(width + 1)], np.uint64)
    bits: NDArray[np.uint64] = table[length.clip(0, width)]
    return bits


def _port(lists: Ranges, rule: I64, corner: bool, rng: Any) -> NDArray[np.uint16]:
    at = _member(lists.off, rule, rng)
    first, last = lists.first[at].astype(np.int64), lists.last[at].astype(np.int64)
    if corner:
        step = rng.choice([0, 0, 0, 0, 0, 0, 1, -1], len(rule))
        port = np.where(rng.random(len(rule)) < 0.5, first, last) + step
    else:
        port = first + (rng.random(len(rule)) * (last - first + 1)).astype(np.int64)
    found: NDArray[np.uint16] = (port & 0xFFFF).astype(np.uint16)
    return found


def _protocol(sets: NDArray[np.uint64], rule: I64, rng: Any) -> NDArray[np.uint8]:
    """A member of each rule's set: TCP, UDP or ICMP (14 : 5 : 1) where they are among many."""
    of, sample = same_rows(list(sets.T))
    which = of[rule]
    usual = rng.choice(PROTOCOLS, len(rule), p=[0.7, 0.25, 0.05])
    found = np.empty(len(rule), np.uint8)
    for number, words in enumerate(sets[sample].tolist()):
        members = np.array([n for n in range(256) if words[n >> 6] >> (n & 63) & 1], np.uint8)
        rows = np.flatnonzero(which == number)
        drawn = rng.choice(members, len(rows)) if len(members) else np.zeros(len(rows), np.uint8)
        found[rows] = np.where(np.isin(usual[rows], members), usual[rows], drawn)
    return found


def _vni(rules: RuleSet, rule: I64, rng: Any) -> NDArray[np.uint32] | None:
    """None where no rule looks at the VNI; where a rule takes all, one of those that rules name."""
    known = np.unique(rules.vni[rules.vni != ANY])
    if not len(known):
        return None
    named = rules.vni[rule]
    return np.where(named == ANY, rng.choice(known, len(rule)), named).astype(np.uint32)
