"""The linear scan against matching written out over `Rule` objects, boundary values included."""

from __future__ import annotations

import random
from dataclasses import fields
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from math import prod

import numpy as np
import pytest

from compiler.policy.fields import FIELDS, classified
from fabric.diagnostics import InputError
from sim.classify.axes.l4_classes import meta_classes
from sim.classify.columns import Columns
from sim.classify.engines.linear import Headers128, scan
from sim.classify.engines.lookup import Headers32
from sim.classify.ruleset import ALL_DSCP, ALL_STATES, ANY, BIT_SETS, Rule, RuleSet
from sim.kernels.match.linear import Rules

WORD = (1 << 64) - 1
PORTS = (0, 1, 79, 80, 81, 443, 65534, 65535)
KEYS = (0, 1, 7, (1 << 24) - 1)


def some_prefixes(rng: random.Random) -> tuple[IPv4Network | IPv6Network, ...]:
    lengths4, lengths6 = (0, 0, 1, 8, 24, 31, 32), (0, 0, 1, 63, 64, 65, 127, 128)
    four = [f"{rng.choice(ENDS4)}/{rng.choice(lengths4)}" for _ in range(rng.randrange(4))]
    six = [f"{rng.choice(ENDS6)}/{rng.choice(lengths6)}" for _ in range(rng.randrange(4))]
    return tuple(ip_network(text, strict=False) for text in four + six)


ENDS4 = ("0.0.0.0", "10.0.0.0", "10.0.0.255", "127.255.255.255", "128.0.0.0", "255.255.255.255")
ENDS6 = ("::", "::1", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::", "ffff::")


def some_ports(rng: random.Random) -> tuple[tuple[int, int], ...]:
    pairs = [sorted(rng.choices(PORTS, k=2)) for _ in range(rng.randrange(1, 3))]
    return ((0, 65535),) if rng.random() < 0.5 else tuple((a, b) for a, b in pairs)


def some_rule(rng: random.Random) -> Rule:
    return Rule(
        rng.choice((ANY, ANY, ANY, ANY, *KEYS)),
        rng.choice((ANY, 0, 1)),
        rng.choice((ANY, ANY, ANY, ANY, *KEYS)),
        some_prefixes(rng),
        some_prefixes(rng),
        some_ports(rng),
        some_ports(rng),
        rng.choice((None, (6,), (0, 255), (63, 64, 127, 128, 191, 192))),
        rng.choice((ALL_STATES, 1, 6)),
        rng.choice((ALL_DSCP, ALL_DSCP, 1 << 63, 3)),
    )


def some_columns(rng: random.Random, version: int, n: int) -> Columns:
    ends = [int(ip_address(text)) for text in (ENDS4 if version == 4 else ENDS6)]
    src, dst = (rng.choices(ends, k=n) for _ in range(2))
    kind = np.uint32 if version == 4 else np.uint64
    shift = 0 if version == 4 else 64
    words = [np.array([x >> shift for x in column], kind) for column in (src, dst)]
    low = [np.array([x & WORD for x in column], np.uint64) for column in (src, dst)]
    return Columns(
        *words,
        *(np.array(rng.choices(PORTS, k=n), np.uint16) for _ in range(2)),
        np.array(rng.choices((0, 6, 63, 64, 128, 192, 255), k=n), np.uint8),
        *(low if version == 6 else (None, None)),
        vni=np.array(rng.choices(KEYS, k=n), np.uint32),
        direction=np.array(rng.choices((0, 1), k=n), np.uint8),
        endpoint=np.array(rng.choices(KEYS, k=n), np.uint32),
        state=np.array(rng.choices((0, 1, 2, 3), k=n), np.uint8),
        dscp=np.array(rng.choices((0, 1, 63), k=n), np.uint8),
    )


def matches(rule: Rule, columns: Columns, i: int) -> bool:
    value = {
        name: int(getattr(columns, name)[i]) for name in Columns.__slots__ if name[3:] != "_lo"
    }
    if columns.version == 6:
        for name, low in (("src", columns.src_lo), ("dst", columns.dst_lo)):
            value[name] = value[name] << 64 | int(low[i])
    width = 32 if columns.version == 4 else 128
    return (
        all(getattr(rule, name) in (ANY, value[name]) for name in ("vni", "direction", "endpoint"))
        and all(
            any(
                p.version == columns.version
                and value[name] >> (width - p.prefixlen)
                == int(p.network_address) >> (width - p.prefixlen)
                for p in getattr(rule, name)
            )
            for name in ("src", "dst")
        )
        and all(
            any(first <= value[name] <= last for first, last in getattr(rule, name))
            for name in ("sport", "dport")
        )
        and (rule.protocols is None or value["protocol"] in rule.protocols)
        and bool(rule.state >> value["state"] & 1)
        and bool(rule.dscp >> value["dscp"] & 1)
    )


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("seed", range(10))
def test_scan_is_first_match(version: int, seed: int) -> None:
    rng = random.Random(seed)
    rules = [some_rule(rng) for _ in range(60)]
    columns = some_columns(rng, version, 150)
    expected = [
        next((r for r, rule in enumerate(rules) if matches(rule, columns, i)), -1)
        for i in range(len(columns))
    ]
    assert scan(RuleSet.of(rules), columns).tolist() == expected
    assert len(set(expected)) > 4


def test_columns_that_rules_look_at_must_be_there() -> None:
    columns = some_columns(random.Random(0), 4, 3)
    bare = Columns(columns.src, columns.dst, columns.sport, columns.dport, columns.protocol)
    with pytest.raises(InputError) as caught:
        scan(RuleSet.of([Rule(vni=5), Rule(state=1)]), bare)
    assert [d.code for d in caught.value.diagnostics] == ["C740", "C740"]
    assert scan(RuleSet.of([]), bare).tolist() == [-1, -1, -1]


def test_rules_packets_and_kernels_know_every_field_that_is_classified() -> None:
    """A new row that is classified needs a column of rules and one of packets, and its bits
    where kernels look classes of protocols up; whoever forgets one is told here."""
    further = {row.name for row in classified().values() if not row.own}
    assert {*BIT_SETS} == further
    for holder in (RuleSet, Rule, Columns):
        assert further <= {f.name for f in fields(holder)}, holder
    assert Rules._fields[-len(further) :] == tuple(BIT_SETS)
    assert Headers32._fields[-len(further) :] == tuple(BIT_SETS)
    assert Headers128._fields[-len(further) :] == tuple(BIT_SETS)
    rules = RuleSet.of([Rule(**{name: 1}) for name in sorted(further)])  # type: ignore[arg-type]
    meta = meta_classes(rules)
    assert meta is not None and meta.used
    assert len(meta.table) == 256 * prod(FIELDS[name].last + 1 for name in further)
