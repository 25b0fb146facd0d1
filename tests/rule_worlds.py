"""Random rule sets and packets that sit on their boundaries."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

import numpy as np

from sim.classify import choose as tables
from sim.classify.columns import Columns
from sim.classify.ruleset import ALL_DSCP, ALL_STATES, ANY, Rule, RuleSet


@dataclass(frozen=True)
class Shape:
    """How a random rule set looks: `n` rules, `lists` members at most, and which fields it uses."""

    n: int = 40
    lists: int = 3
    vnis: int = 0
    endpoints: int = 0
    directions: bool = False
    meta: bool = False
    versions: tuple[int, ...] = (4,)
    ports: int = 12
    nets: int = 30


SHAPES = {
    "rows": Shape(n=200, lists=1, nets=100),
    "lists": Shape(),
    "few": Shape(n=5, lists=1),
    "many ports": Shape(n=300, ports=200, nets=80, lists=2),
    "state and DSCP": Shape(meta=True),
    "VNI": Shape(vnis=5),
    "all keys": Shape(vnis=5, endpoints=3, directions=True),
    "IPv6": Shape(versions=(6,), nets=60),
    "both versions": Shape(versions=(4, 6), vnis=3, meta=True),
}


def random_rules(shape: Shape, seed: int) -> RuleSet:
    """Rules whose prefixes nest and repeat and whose port ranges overlap."""
    return RuleSet.of(random_list(shape, seed))


def random_list(shape: Shape, seed: int) -> list[Rule]:
    """The same, not yet in columns."""
    rng = np.random.default_rng(seed)
    pools = {version: _prefixes(rng, version, shape.nets) for version in shape.versions}
    ports = [_range(rng) for _ in range(shape.ports)] + [(0, 65535), (0, 0), (65535, 65535)]
    return [_rule(rng, shape, pools, ports) for _ in range(shape.n)]


def _prefixes(rng, version, n):
    width, kind = (32, IPv4Network) if version == 4 else (128, IPv6Network)
    lengths = (
        [0, 1, 4, 8, 12, 16, 20, 24, 28, 31, 32]
        if version == 4
        else [0, 1, 32, 48, 64, 65, 96, 127, 128]
    )
    stems = [int.from_bytes(rng.bytes(width // 8), "big") for _ in range(4)] + [0, (1 << width) - 1]
    out = [kind((0, 0))]
    for _ in range(n):
        length = int(rng.choice(lengths))
        stem = stems[rng.integers(len(stems))]
        noise = int.from_bytes(rng.bytes(width // 8), "big") >> int(rng.integers(0, width))
        value = (stem ^ noise) >> (width - length) << (width - length)
        out.append(kind((value, length)))
    return out


def _range(rng):
    first = int(rng.integers(0, 65536))
    return first, min(65535, first + int(rng.choice([0, 0, 1, 7, 1000, 40000])))


def _rule(rng, shape, pools, ports):
    def some(pool, most):
        return tuple(pool[i] for i in rng.integers(0, len(pool), rng.integers(1, most + 1)))

    src, dst = (), ()
    for pool in pools.values():
        src += some(pool, shape.lists)
        dst += some(pool, shape.lists)
    protocols = (
        None
        if rng.random() < 0.3
        else tuple(int(p) for p in rng.choice([1, 6, 17, 132, 255, 0], rng.integers(1, 3)))
    )
    return Rule(
        vni=int(rng.choice([ANY, *range(1, 1 + shape.vnis)])),
        direction=int(rng.choice([ANY, 0, 1])) if shape.directions else ANY,
        endpoint=int(rng.choice([ANY, *range(shape.endpoints)])) if shape.endpoints else ANY,
        src=src,
        dst=dst,
        sport=some(ports, shape.lists) if rng.random() < 0.4 else ((0, 65535),),
        dport=some(ports, shape.lists) if rng.random() < 0.8 else ((0, 65535),),
        protocols=protocols,
        state=int(rng.integers(1, 16)) if shape.meta and rng.random() < 0.5 else ALL_STATES,
        dscp=int(rng.integers(1, 2**63)) if shape.meta and rng.random() < 0.3 else ALL_DSCP,
    )


def boundary_packets(rules: RuleSet, version: int, n: int, seed: int) -> Columns:
    """Packets at the first and last address and port of random rules, one beside them, and noise;
    keys known and unknown."""
    rng = np.random.default_rng(seed)
    width = 32 if version == 4 else 128
    src, dst = (rules.src4, rules.dst4) if version == 4 else (rules.src6, rules.dst6)
    picked = rng.integers(0, len(rules), n)

    def addresses(lists):
        count = np.diff(lists.off)[picked]
        at = lists.off[picked] + (rng.random(n) * count).astype(np.int64)
        out = []
        for place, some in zip(at, count > 0, strict=True):
            if not some or rng.random() < 0.1:
                out.append(int.from_bytes(rng.bytes(width // 8), "big"))
                continue
            base = (
                int(lists.first[place])
                if version == 4
                else int(lists.hi[place]) << 64 | int(lists.lo[place])
            )
            size = 1 << (width - int(lists.length[place]))
            step = int(rng.choice([0, size - 1, -1, size, size // 2]))
            out.append((base + step) % (1 << width))
        return out

    def ports(lists):
        at = lists.off[picked] + (rng.random(n) * np.diff(lists.off)[picked]).astype(np.int64)
        first, last = lists.first[at].astype(np.int64), lists.last[at].astype(np.int64)
        step = rng.integers(0, 5, n)
        value = np.choose(step, [first, last, first - 1, last + 1, rng.integers(0, 65536, n)])
        return (value % 65536).astype(np.uint16)

    def key(column, most):
        known = np.maximum(column[picked], 0)
        return np.where(rng.random(n) < 0.8, known, rng.integers(0, most, n))

    a, b = addresses(src), addresses(dst)
    words = {}
    if version == 4:
        words = {"src": np.array(a, np.uint32), "dst": np.array(b, np.uint32)}
    else:
        for name, values in (("src", a), ("dst", b)):
            words[name] = np.array([v >> 64 for v in values], np.uint64)
            words[name + "_lo"] = np.array([v & (2**64 - 1) for v in values], np.uint64)
    return Columns(
        **words,
        sport=ports(rules.sport),
        dport=ports(rules.dport),
        protocol=rng.choice([1, 6, 17, 132, 255, 0, 99], n).astype(np.uint8),
        vni=key(rules.vni, 2**32).astype(np.uint32),
        direction=key(rules.direction, 256).astype(np.uint8),
        endpoint=key(rules.endpoint, 2**32).astype(np.uint32),
        state=rng.integers(0, 4, n).astype(np.uint8),
        dscp=rng.integers(0, 64, n).astype(np.uint8),
    )


__all__ = ["Shape", "boundary_packets", "ip_network", "random_rules"]


def force(engine, monkeypatch):
    """Leave no room for engines that would be chosen before this one."""
    if engine != "chosen":
        monkeypatch.setattr(tables, "DENSE_BYTES", 0)
        monkeypatch.setattr(tables, "BLOCK_PLACES", 1)
    if engine == "linear":
        monkeypatch.setattr(tables, "ROW_BYTES", 1 << 60)
