"""The rule sets of the benchmark, by name; `generate(name)` is the same everywhere, always.

They were frozen before any engine was tuned (`unseen6` later), and a test pins what they are. The
`unseen` ones have other seeds and sizes, and are for the end: nobody tunes on them. The seed of the
`fresh` ones was drawn when the engines were done, and `crossed` ones come of a second generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rule_sets import hostile_sets
from rule_sets.crossed_sets import crossed
from rule_sets.firewall_sets import firewall, firewall6
from rule_sets.policy_sets import dash, policy

from fabric.diagnostics import did_you_mean
from sim.classify.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class RuleSource:
    """How a set is made, of which IP version its packets are, and what it is an example of."""

    make: Callable[[], RuleSet]
    kind: str
    version: int = 4


def _policy(tenants: int, pods: int, kind: str = "policy", version: int = 4) -> RuleSource:
    sparse = kind == "sparse"
    return RuleSource(lambda: policy(tenants, pods, version=version, sparse=sparse), kind, version)


def _firewall(family: str, n: int) -> RuleSource:
    return RuleSource(lambda: firewall(family, n), family)


FRESH = 20261130
"""The seed of sets that no engine was tuned on."""
CROSSED = "acl", "fw", "ipc", "wide"
SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1m": 1_000_000}
POLICIES = {"1k": (4, 6), "6k": (20, 10), "50k": (64, 25), "200k": (256, 25), "1m": (512, 60)}
SETS: Mapping[str, RuleSource] = {
    **{f"policy-{size}": _policy(*shape) for size, shape in POLICIES.items()},
    "policy6-1k": _policy(4, 6, "policy6", 6),
    "policy6-50k": _policy(64, 25, "policy6", 6),
    "sparse-50k": _policy(64, 25, "sparse"),
    "dash-1k": RuleSource(lambda: dash(1, 1_000), "dash"),
    "dash-10k": RuleSource(lambda: dash(10, 1_000), "dash"),
    **{
        f"{family}-{size}": _firewall(family, n)
        for size, n in SIZES.items()
        for family in ("acl", "fw", "ipc")
    },
    "unseen-policy": RuleSource(lambda: policy(37, 14, seed=11), "policy"),
    **{
        f"unseen-{family}": RuleSource(partial(firewall, family, 4_000, 11), family)
        for family in ("acl", "fw", "ipc")
    },
    **{
        f"unseen6-{family}": RuleSource(partial(firewall6, family, 4_000, 11), family, 6)
        for family in ("acl", "fw", "ipc")
    },
    "fresh-policy-1k": RuleSource(lambda: policy(4, 6, seed=FRESH), "policy"),
    "fresh-policy-6k": RuleSource(lambda: policy(20, 10, seed=FRESH), "policy"),
    **{
        f"fresh-{family}-{size}": RuleSource(partial(firewall, family, SIZES[size], FRESH), family)
        for size in ("1k", "10k")
        for family in ("acl", "fw", "ipc")
    },
    **{
        f"fresh-crossed-{family}-{size}": RuleSource(partial(crossed, family, n, FRESH), "crossed")
        for size, n in {"1k": 1_000, "4k": 4_000}.items()
        for family in CROSSED
    },
    **{
        f"fresh-dash-{enis}": RuleSource(partial(dash, enis, 800 // enis, FRESH), "dash")
        for enis in (4, 16, 64)
    },
    "fresh-ranges": RuleSource(lambda: hostile_sets.ranges(1_000, FRESH), "ranges"),
    "hostile-ranges": RuleSource(lambda: hostile_sets.ranges(2_000), "hostile"),
    "hostile-fw": RuleSource(lambda: hostile_sets.copies("fw", 100_000, 5), "hostile"),
    "hostile-ipc": RuleSource(lambda: hostile_sets.copies("ipc", 100_000, 5), "hostile"),
}


def source(name: str) -> RuleSource:
    """The set of that name; `ValueError` for none."""
    if name not in SETS:
        hint = did_you_mean(name, SETS) or f"there are: {', '.join(SETS)}"
        raise ValueError(f'no rule set is called "{name}": {hint}')
    return SETS[name]


def generate(name: str) -> RuleSet:
    """The rules of that name.

    >>> generate("policy-1k").rows
    751
    """
    return source(name).make()
