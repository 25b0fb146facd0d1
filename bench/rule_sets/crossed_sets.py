"""Rule sets with ClassBench's published statistics, drawn another way than `firewall_sets`.

There addresses come from a tree of prefixes; here from a few pools. A rule takes a pair of prefixes
of a pool of pairs (few pairs have most of the rules, as in the firewall seeds), a class of each
port (Taylor and Turner, "ClassBench", 2007, table III: any, above 1023, below 1024, an arbitrary
range, one value) and a protocol. Where pairs have many rules, cells list many."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import numpy as np

from sim.classify.ruleset import Rule, RuleSet

LENGTHS = {
    "acl": (16, 24, 28, 32),
    "fw": (0, 0, 8, 16, 24, 32),
    "ipc": (0, 16, 24, 32),
    "wide": (0, 1, 2, 3, 8, 16),
}
SOURCE_PORTS = {
    "acl": (1, 0, 0, 0, 0),
    "fw": (60, 10, 1, 9, 20),
    "ipc": (70, 8, 1, 6, 15),
    "wide": (20, 10, 5, 25, 40),
}
TARGET_PORTS = {
    "acl": (10, 5, 1, 14, 70),
    "fw": (25, 8, 2, 15, 50),
    "ipc": (30, 8, 2, 20, 40),
    "wide": (15, 8, 2, 25, 50),
}
PROTOCOLS = {"acl": (15, 65, 20), "fw": (20, 60, 20), "ipc": (25, 50, 25), "wide": (10, 60, 30)}
SERVICES = 60
"""Ports that rules name are few."""


def crossed(family: str, n: int, seed: int, pairs: int = 0) -> RuleSet:
    """`n` rules over about `pairs` pairs of prefixes (none: a quarter as many as rules)."""
    rng = np.random.default_rng(seed)
    pool = [(_prefix(family, rng), _prefix(family, rng)) for _ in range(pairs or max(4, n // 4))]
    weight = np.arange(1, len(pool) + 1, dtype=float) ** -0.9
    which = rng.choice(len(pool), n, p=weight / weight.sum())
    lengths = [s.prefixlen + d.prefixlen for s, d in (pool[i] for i in which)]
    order = np.argsort(np.negative(lengths), kind="stable")
    services = rng.integers(1, 1 << 16, SERVICES).tolist()
    protocols = rng.choice(3, n, p=np.array(PROTOCOLS[family]) / 100)
    rules = []
    for number in order.tolist():
        src, dst = pool[which[number]]
        ports = protocols[number] > 0
        rules.append(
            Rule(
                src=(src,),
                dst=(dst,),
                protocols=(None, (6,), (17,))[protocols[number]],
                sport=(_ports(SOURCE_PORTS[family], services, rng),) if ports else ANY_PORT,
                dport=(_ports(TARGET_PORTS[family], services, rng),) if ports else ANY_PORT,
            )
        )
    return RuleSet.of(rules)


def _prefix(family: str, rng: Any) -> IPv4Network:
    """Nested in few networks, as sites are."""
    length = int(rng.choice(LENGTHS[family]))
    site = int(rng.integers(0, 12)) * 0x0D000000 + 0x0A000000
    ip = (site + int(rng.integers(0, 1 << 16))) & 0xFFFFFFFF
    return IPv4Network((ip >> (32 - length) << (32 - length), length)) if length else ANYWHERE


def _ports(weights: tuple[int, ...], services: list[int], rng: Any) -> tuple[int, int]:
    kind = int(rng.choice(5, p=np.array(weights) / sum(weights)))
    first = services[int(rng.integers(len(services)))]
    last = min(first + int(rng.integers(1, 4_000)), 65535)
    return ((0, 65535), (1024, 65535), (0, 1023), (first, last), (first, first))[kind]


ANYWHERE = IPv4Network("0.0.0.0/0")
ANY_PORT = ((0, 65535),)
