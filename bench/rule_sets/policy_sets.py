"""Tables as policies make them: rules with lists, per tenant (VNI) first match, deny at the end.

    policy    what one DPU enforces for `tenants` with `pods` local pods each: 20 ingress rules per
              tenant, from pods of an app, from the tenant's networks, or from address blocks, to
              the local pods of an app on a port; local pods deny the rest
    sparse    the same with pods all over the tenant's address space
    dash      the shape of DASH's access lists: groups of rules per ENI with up to 100 prefixes and
              a few port ranges each; every tenth denies a block with exceptions

In all of them, rules without members are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rule_sets.rule_list import (
    RuleList,
    Side,
    Words,
    addresses4,
    everything,
    hosts,
    joined,
    networks,
    networks4,
)

from sim.classify.ruleset import RuleSet

WEB_AND_DATA = (80, 443, 8080, 8443, 5432, 3306, 6379, 9092, 53, 9090)
SERVICES = (*WEB_AND_DATA, 2379, 27017, 5672, 15672, 9200, 11211, 4222, 8500, 50051, 22)
FIRST_VNI, TCP, UDP, DNS = 10_000, 6, 17, 53
RULES, PODS, APPS = 20, 200, 10
DOCUMENTATION = 0x20010DB8 << 32
DOCUMENTATION_LOW = 0x5EED << 48


def policy(
    tenants: int, pods: int, seed: int = 3, version: int = 4, sparse: bool = False
) -> RuleSet:
    """Ingress policies of `tenants` with `pods` local pods each.

    >>> rules = policy(4, 6)
    >>> len(rules), rules.rows, len(policy(4, 6, version=6).src6.length) > 100
    (42, 751, True)
    """
    draft, rng = RuleList(version), np.random.default_rng([seed, tenants, pods, version, sparse])
    for tenant in range(tenants):
        nets = _nets(rng, tenant, version)
        addresses = _scattered(rng, nets) if sparse else _addresses(rng, nets, version)
        _tenant(draft, rng, FIRST_VNI + tenant, nets, addresses, pods)
    return draft.rules()


def dash(enis: int, rules: int, seed: int = 4) -> RuleSet:
    """Access lists of `enis` network interfaces with about `rules` rules each.

    >>> rules = dash(1, 100)
    >>> len(rules), int(np.diff(rules.src4.off).max())
    (100, 95)
    """
    draft, rng = RuleList(), np.random.default_rng([seed, enis, rules])
    for eni in range(enis):
        last = len(draft.vni) + rules
        subnets = addresses4(rng.integers(10 << 24, 11 << 24, 16))
        while len(draft.vni) < last - 1:
            if rng.random() < 0.1:
                _denied_with_exceptions(draft, rng, FIRST_VNI + eni, subnets)
            else:
                _permitted(draft, rng, FIRST_VNI + eni, subnets)
        draft.add(FIRST_VNI + eni, everything(), everything())
    return draft.rules()


def _nets(rng: Any, tenant: int, version: int) -> Words:
    """The tenant's two networks: /24 of 10.0.0.0/8 that tenants may share, or its own /64."""
    if version == 4:
        return addresses4((10 << 24) + (rng.integers(0, 1 << 14, 2) << 8))
    words = np.zeros((2, 2), np.uint64)
    words[:, 0] = [DOCUMENTATION + (tenant << 16) + net for net in range(2)]
    return words


def _addresses(rng: Any, nets: Words, version: int) -> Words:
    """Addresses of all pods, half of them in each network."""
    words = np.repeat(nets, PODS // 2, axis=0)
    numbers = np.concatenate([rng.permutation(250)[: PODS // 2] + 1 for _ in nets])
    if version == 4:
        words[:, 0] += numbers.astype(np.uint64)
    else:
        words[:, 1] = numbers.astype(np.uint64) + np.uint64(DOCUMENTATION_LOW)
    return words


def _scattered(rng: Any, nets: Words) -> Words:
    """Addresses of all pods anywhere in 10.0.0.0/8."""
    return addresses4((10 << 24) + rng.choice(1 << 24, PODS * len(nets) // 2, replace=False))


def _tenant(
    draft: RuleList, rng: Any, vni: int, nets: Words, pods: Words, local_count: int
) -> None:
    app = rng.integers(0, APPS, len(pods))
    local = rng.permutation(len(pods))[:local_count]
    for _ in range(RULES):
        target, kind, source = rng.integers(0, APPS), rng.random(), rng.integers(0, APPS)
        port, wide, more = int(rng.choice(SERVICES)), rng.random() > 0.85, int(rng.integers(1, 100))
        reached = pods[local[app[local] == target]]
        if kind < 0.75:
            allowed = hosts(pods[app == source], draft.version)
        elif kind < 0.9:
            allowed = networks(nets, 24 if draft.version == 4 else 64)
        else:
            allowed = _blocks(draft.version)
        if len(reached) and len(allowed[1]):
            ports = ((port, port + more if wide else port),)
            protocol = (UDP if port == DNS else TCP,)
            draft.add(vni, allowed, hosts(reached, draft.version), ports, protocol)
    draft.add(vni, everything(), hosts(pods[local], draft.version))
    draft.add(vni, everything(), everything())


def _blocks(version: int) -> Side:
    if version == 4:
        return joined(
            networks(addresses4([172 << 24 | 16 << 16]), 12),
            networks(addresses4([192 << 24 | 168 << 16]), 16),
        )
    words = np.array([[0xFD << 56, 0], [DOCUMENTATION, 0]], np.uint64)
    return joined(networks(words[:1], 8), networks(words[1:], 32))


def _permitted(draft: RuleList, rng: Any, vni: int, subnets: Words) -> None:
    """Sources of one list, reached subnets of another, a few services."""
    size = int(100 ** rng.random())
    inside = rng.random(size) < 0.7
    anywhere = rng.integers(0, 1 << 32, size)
    values = np.where(inside, rng.integers(10 << 24, 11 << 24, size), anywhere)
    src = networks4(addresses4(values), rng.choice([16, 20, 24, 28, 32, 32, 32], size))
    count = int(rng.integers(1, 4))
    dst = networks(subnets[rng.permutation(len(subnets))[:count]], int(rng.choice([24, 26, 28])))
    draft.add(vni, src, dst, _services(rng), ((TCP,), (TCP,), (UDP,), None)[rng.integers(4)])


def _denied_with_exceptions(draft: RuleList, rng: Any, vni: int, subnets: Words) -> None:
    """Some hosts may, the block around them may not, everyone else may."""
    block = rng.integers(0, 1 << 32, 1) >> 16 << 16
    members = addresses4(block + rng.integers(0, 1 << 16, int(rng.integers(1, 33))))
    dst = networks(subnets[rng.permutation(len(subnets))[:1]], 24)
    ports = _services(rng)
    draft.add(vni, hosts(members, 4), dst, ports, (TCP,))
    draft.add(vni, networks(addresses4(block), 16), dst)
    draft.add(vni, networks(addresses4(block), 8), dst, ports, (TCP,))


def _services(rng: Any) -> tuple[tuple[int, int], ...]:
    """One to three ports or ranges of ports, apart."""
    first: NDArray[np.int64] = rng.choice(SERVICES, int(rng.integers(1, 4)), replace=False)
    more = np.where(rng.random(len(first)) < 0.5, 0, rng.integers(1, 1000, len(first)))
    return tuple((a, min(a + b, 65535)) for a, b in zip(first.tolist(), more.tolist(), strict=True))
