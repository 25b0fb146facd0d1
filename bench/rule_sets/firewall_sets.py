"""Firewall-like tables with the published statistics of ClassBench: acl, fw, ipc.

What Taylor and Turner ("ClassBench: A Packet Classification Benchmark", 2007) found in real filter
sets, as tables: which pairs of prefix lengths occur together, which port classes (WC any, HI
1024..65535, LO 0..1023, AR another range, EM one port), which protocols, and how addresses branch:
one of two subtrees is heavier, so that prefixes share their beginnings and nest. Nothing of
ClassBench's own code or seed files is in here.

The numbers were set once, before any engine was tuned, so that rte_acl finds these tables as hard
as ClassBench's own of the same family and size (seeds acl1, fw1, ipc1). One core of an AMD EPYC
(Zen 3), small pages, best of SSE and AVX2; in brackets the same of ClassBench's own tables:

    rules        uniform Mpps    zipf          random         memory, MB     build, s
    acl 1,000    30.8 (34.1)     32.6 (35.1)   44.5 (42.5)    1.2 (0.67)     0.06 (0.03)
    fw 999       11.9 (15.6)     13.0 (16.4)   17.0 (16.1)    4.8 (4.7)      0.26 (0.11-0.29)
    ipc 1,000    28.1 (28.0)     30.7 (31.1)   54.2 (41.6)    7.4 (4.5)      0.28 (0.25)
    acl 9,997    16.2 (16.5)     16.9 (18.8)   48.4 (39.5)    28.8 (19.9)    1.7 (0.7)
    fw 9,951     4.9 (2.4)       6.2 (4.5)     12.0 (7.3)     71.5 (136)     2.9 (4-10)
    ipc 9,999    3.8 (4.5)       5.0 (5.3)     22.2 (22.2)    21.4 (14.6)    2.7 (0.7-1.1)
    acl 99,740   5.0 (3.3)       7.7 (5.9)     39.0 (19.8)    267 (466)      21 (15-37)
    fw 99,733    1.1 (1.2)       1.9 (2.3)     3.1 (4.0)      688 (872)      64 (54-215)
    ipc 99,945   1.4 (fails)     2.1 (fails)   10.7 (fails)   103 (fails)    23 (fails)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rule_sets.one_version import nothing4, nothing6

from sim.classify.ruleset import (
    ALL_DSCP,
    ALL_STATES,
    ANY,
    Prefixes,
    Prefixes6,
    Ranges,
    RuleSet,
    single,
)

U64 = NDArray[np.uint64]
WC, HI, LO, AR, EM = range(5)
TCP, UDP, ICMP = 6, 17, 1
WIDE, MANY = 34, 10_000
TOP_PORTS = (80, 443, 53, 25, 22, 1521, 21, 110, 123, 161, 389, 445, 139, 135, 1433, 3389, 8080)


@dataclass(frozen=True, slots=True)
class Branching:
    """How one side's addresses branch: chance of the heavier subtree at bits 0..7, 8..15, 16..23,
    24..31."""

    heavy: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Profile:
    """Statistics of one family.

    `lengths`: weight, range of source and of destination prefix lengths. `ports`: weight, source
    and destination port class. `protocols`: weight and number, ANY for all; rules with other
    protocols than TCP and UDP name no ports. `exact` and `spans`: how many distinct EM ports and AR
    ranges there are in all.
    """

    lengths: tuple[tuple[float, tuple[int, int], tuple[int, int]], ...]
    src: Branching
    dst: Branching
    ports: tuple[tuple[float, int, int], ...]
    protocols: tuple[tuple[float, int], ...]
    exact: int
    spans: int


PROFILES = {
    "acl": Profile(
        lengths=(
            (0.655, (32, 32), (32, 32)),
            (0.180, (28, 31), (32, 32)),
            (0.100, (24, 30), (28, 31)),
            (0.060, (28, 32), (24, 28)),
            (0.003, (0, 0), (30, 32)),
            (0.003, (4, 14), (8, 20)),
            (0.002, (8, 20), (16, 24)),
        ),
        src=Branching((0.70, 0.98, 0.96, 0.88)),
        dst=Branching((0.90, 0.98, 0.94, 0.86)),
        ports=((0.08, WC, WC), (0.83, WC, EM), (0.06, WC, AR), (0.02, WC, HI), (0.01, WC, LO)),
        protocols=((0.78, TCP), (0.14, UDP), (0.02, ICMP), (0.06, ANY)),
        exact=110,
        spans=40,
    ),
    "fw": Profile(
        lengths=(
            (0.27, (0, 0), (32, 32)),
            (0.21, (32, 32), (0, 0)),
            (0.11, (0, 0), (12, 30)),
            (0.10, (12, 30), (0, 0)),
            (0.12, (32, 32), (32, 32)),
            (0.08, (6, 24), (32, 32)),
            (0.10, (1, 14), (4, 20)),
            (0.01, (0, 0), (0, 0)),
        ),
        src=Branching((0.755, 0.75, 0.75, 0.75)),
        dst=Branching((0.755, 0.75, 0.75, 0.75)),
        ports=(
            (0.26, WC, WC),
            (0.32, WC, EM),
            (0.11, WC, AR),
            (0.07, WC, HI),
            (0.10, EM, WC),
            (0.04, HI, EM),
            (0.03, EM, HI),
            (0.03, HI, HI),
            (0.02, AR, WC),
            (0.02, AR, EM),
        ),
        protocols=((0.60, TCP), (0.25, UDP), (0.05, ICMP), (0.08, ANY), (0.01, 47), (0.01, 50)),
        exact=50,
        spans=20,
    ),
    "ipc": Profile(
        lengths=(
            (0.40, (32, 32), (32, 32)),
            (0.16, (24, 31), (32, 32)),
            (0.16, (32, 32), (24, 31)),
            (0.15, (16, 28), (16, 28)),
            (0.05, (0, 0), (28, 32)),
            (0.05, (28, 32), (0, 0)),
            (0.03, (8, 16), (8, 16)),
        ),
        src=Branching((0.95, 0.90, 0.85, 0.75)),
        dst=Branching((0.95, 0.90, 0.85, 0.75)),
        ports=(
            (0.40, WC, WC),
            (0.24, WC, EM),
            (0.14, EM, WC),
            (0.06, EM, EM),
            (0.06, WC, AR),
            (0.04, HI, EM),
            (0.03, EM, HI),
            (0.03, AR, AR),
        ),
        protocols=((0.50, TCP), (0.30, UDP), (0.06, ICMP), (0.12, ANY), (0.02, 50)),
        exact=60,
        spans=25,
    ),
}


def firewall(family: str, n: int, seed: int = 1) -> RuleSet:
    """About `n` distinct IPv4 rules of a family, the more specific first.

    >>> rules = firewall("acl", 1000)
    >>> len(rules), int((rules.src4.length == 32).sum())
    (1000, 664)
    """
    profile, rng = PROFILES[family], np.random.default_rng([seed, n, *family.encode()])
    kind = _drawn(rng, _length_weights(profile, n), n)
    src_length = _between(rng, [src for _, src, _ in profile.lengths], kind)
    dst_length = _between(rng, [dst for *_, dst in profile.lengths], kind)
    protocol = _protocols(rng, profile, n)
    with_ports = (protocol == TCP) | (protocol == UDP)
    pair = _drawn(rng, [weight for weight, *_ in profile.ports], n)
    columns = [
        _addresses(rng, profile.src, src_length, int(rng.integers(2**63))),
        src_length,
        _addresses(rng, profile.dst, dst_length, int(rng.integers(2**63))),
        dst_length,
        *_ports(rng, profile, np.array([src for _, src, _ in profile.ports])[pair], with_ports),
        *_ports(rng, profile, np.array([dst for *_, dst in profile.ports])[pair], with_ports),
        protocol,
    ]
    return _rules(_distinct(np.stack(columns, axis=1), rng))


def firewall6(family: str, n: int, seed: int = 1) -> RuleSet:
    """The same rules for IPv6: networks behind 2001::/16, 16 bits longer; /0 stays /0.

    >>> rules = firewall6("acl", 1000)
    >>> hex(int(rules.src6.hi.max()))[:6], int((rules.src6.length == 48).sum())
    ('0x2001', 664)
    """
    rules = firewall(family, n, seed)
    nothing, src6, dst6 = nothing4(len(rules)), _behind(rules.src4), _behind(rules.dst4)
    return replace(rules, src4=nothing, dst4=nothing, src6=src6, dst6=dst6)


def _behind(lists: Prefixes) -> Prefixes6:
    some = lists.length > 0
    hi = np.uint64(0x2001) << np.uint64(48) | lists.first.astype(np.uint64) << np.uint64(16)
    length = np.where(some, lists.length + 16, 0).astype(np.uint8)
    return Prefixes6(lists.off, np.where(some, hi, 0), np.zeros(len(hi), np.uint64), length)


def _drawn(rng: Any, weights: Any, n: int) -> NDArray[np.int64]:
    bounds = np.cumsum(weights)
    drawn: NDArray[np.int64] = np.searchsorted(bounds / bounds[-1], rng.random(n), "right")
    return drawn


def _length_weights(profile: Profile, n: int) -> list[float]:
    """Tables grow by rules about hosts and subnets: of wide pairs there are never many."""
    few = min(1.0, MANY / n)
    return [
        weight * (few if src[1] + dst[1] <= WIDE else 1.0) for weight, src, dst in profile.lengths
    ]


def _between(rng: Any, bounds: Sequence[tuple[int, int]], kind: Any) -> Any:
    low, high = np.array(bounds, np.int64).T[:, kind]
    return rng.integers(low, high + 1)


def _addresses(rng: Any, branching: Branching, length: Any, salt: int) -> Any:
    """Prefixes of these lengths; which subtree is the heavier one is drawn per node of the trie."""
    path = np.zeros(len(length), np.uint64)
    for bit in range(32):
        chance = branching.heavy[bit // 8]
        follows = rng.random(len(length)) < chance
        heavy = _mixed(path ^ np.uint64(salt) ^ np.uint64(bit << 40)) & np.uint64(1)
        path = path << np.uint64(1) | np.where(follows, heavy, heavy ^ np.uint64(1))
    kept = np.uint64(32) - length.astype(np.uint64)
    return (path >> kept << kept).astype(np.int64)


def _mixed(words: U64) -> U64:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words = (words ^ words >> np.uint64(shift)) * np.uint64(factor)
    return words ^ words >> np.uint64(31)


def _protocols(rng: Any, profile: Profile, n: int) -> Any:
    numbers = np.array([number for _, number in profile.protocols])
    return numbers[_drawn(rng, [weight for weight, _ in profile.protocols], n)]


def _ports(rng: Any, profile: Profile, kind: Any, with_ports: Any) -> tuple[Any, Any]:
    kind = np.where(with_ports, kind, WC)
    n = len(kind)
    first = np.select([kind == HI], [1024], 0)
    last = np.select([kind == LO], [1023], 65535)
    top = np.array(TOP_PORTS)
    pool = np.concatenate([top, rng.permutation(np.setdiff1d(np.arange(1024, 32768), top))])
    exact = pool[_zipf(rng, profile.exact, n)]
    begin = np.sort(rng.integers(1, 60000, (profile.spans, 1)), axis=0)
    spans = np.hstack([begin, begin + rng.integers(1, 4096, (profile.spans, 1))])
    span = spans[_zipf(rng, profile.spans, n)]
    first = np.where(kind == EM, exact, np.where(kind == AR, span[:, 0], first))
    last = np.where(kind == EM, exact, np.where(kind == AR, span[:, 1], last))
    return first, last


def _zipf(rng: Any, size: int, n: int) -> NDArray[np.int64]:
    return _drawn(rng, 1 / np.arange(1, size + 1), n)


def _distinct(rows: Any, rng: Any) -> Any:
    """Without repetitions, the more specific first: a rule that another one covers precedes it."""
    rows = rng.permutation(np.unique(rows, axis=0))
    ports = np.log2((rows[:, 5] - rows[:, 4] + 1) * (rows[:, 7] - rows[:, 6] + 1))
    specific = rows[:, 1] + rows[:, 3] - ports + 8 * (rows[:, 8] != ANY)
    return rows[np.argsort(-specific, kind="stable")]


def _rules(rows: Any) -> RuleSet:
    n = len(rows)
    sets = np.full((257, 4), ALL_DSCP, np.uint64)
    for number in range(256):
        sets[number] = [(1 << (number & 63)) * (word == number >> 6) for word in range(4)]
    return RuleSet(
        np.full(n, ANY, np.int64),
        np.full(n, ANY, np.int8),
        np.full(n, ANY, np.int64),
        Prefixes(single(n), rows[:, 0].astype(np.uint32), rows[:, 1].astype(np.uint8)),
        Prefixes(single(n), rows[:, 2].astype(np.uint32), rows[:, 3].astype(np.uint8)),
        nothing6(n),
        nothing6(n),
        Ranges(single(n), rows[:, 4].astype(np.uint16), rows[:, 5].astype(np.uint16)),
        Ranges(single(n), rows[:, 6].astype(np.uint16), rows[:, 7].astype(np.uint16)),
        sets[rows[:, 8]],
        np.full(n, ALL_STATES, np.uint8),
        np.full(n, ALL_DSCP, np.uint64),
    )
