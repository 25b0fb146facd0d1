"""Our harness for rte_acl: rule ids as the linear scan's, and no trace left in the process."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from dataclasses import fields, replace
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pytest
from oracles import require, unavailable
from peers import eal
from peers.rte_acl import RteAcl

from fabric.diagnostics import CapacityError, MachineError
from sim.classify.columns import Columns
from sim.classify.engines.linear import scan
from sim.classify.expand import expanded
from sim.classify.ruleset import ANY, Prefixes, Ranges, Rule, RuleSet, protocols
from sim.classify.ruleset import single as offsets_of_single

PORTS = (0, 79, 80, 90, 91, 443, 65535)


@pytest.fixture(scope="module")
def dpdk() -> None:
    require("gcc", "pkg-config")
    if subprocess.run(["pkg-config", "--exists", "libdpdk"]).returncode:
        unavailable("not installed: libdpdk-dev")


def some_rules(seed: int, vnis: tuple[int, ...]) -> RuleSet:
    rng = random.Random(seed)

    def sides() -> tuple[str, ...]:
        four = [f"10.0.{rng.randrange(4)}.{rng.choice((0, 128))}/{rng.choice((8, 24, 25))}"]
        six = [f"2001:db8::{rng.randrange(4)}:0/{rng.choice((0, 33, 64, 97, 112, 128))}"]
        return tuple(ip_network(text, strict=False) for text in four * 2 + six * rng.randrange(3))

    return RuleSet.of(
        [
            Rule(
                vni=rng.choice(vnis),
                src=sides(),
                dst=sides(),
                sport=rng.choice((((0, 65535),), ((80, 443), (65535, 65535)))),
                dport=rng.choice((((0, 65535),), ((80, 90), (443, 443)))),
                protocols=rng.choice((None, (6,), (6, 17), tuple(range(8)))),
            )
            for _ in range(60)
        ]
    )


def some_packets(seed: int, version: int, n: int) -> Columns:
    rng = np.random.default_rng(seed)

    def address() -> list[np.ndarray]:
        if version == 4:
            return [(rng.integers(0, 1024, n) + (10 << 24)).astype(np.uint32)]
        low = (rng.integers(0, 5, n) << 16) + rng.integers(0, 2, n)
        return [np.full(n, 0x20010DB8 << 32, np.uint64), low.astype(np.uint64)]

    src, dst = address(), address()
    return Columns(
        src[0],
        dst[0],
        rng.choice(PORTS, n).astype(np.uint16),
        rng.choice(PORTS, n).astype(np.uint16),
        rng.choice([1, 6, 7, 8, 17], n).astype(np.uint8),
        *((src[1], dst[1]) if version == 6 else ()),
        vni=rng.choice([1, 2, 3], n).astype(np.uint32),
    )


@pytest.mark.oracle("rte_acl")
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("vnis", [(ANY,), (ANY, 1, 2)])
def test_every_algorithm_answers_as_the_linear_scan(
    dpdk: None, version: int, vnis: tuple[int, ...]
) -> None:
    rules, packets = some_rules(version, vnis), some_packets(version, version, 5000)
    expected = scan(rules, packets)
    affinity, handlers = os.sched_getaffinity(0), [signal.getsignal(s) for s in range(1, 32)]
    with RteAcl(rules, version) as acl:
        assert set(acl.algorithms()) >= {"scalar"}
        for algorithm in acl.algorithms():
            found = acl.classify(acl.prepare(packets), algorithm)
            assert (found == expected).all(), algorithm
    assert len(set(expected.tolist())) > 4
    assert os.sched_getaffinity(0) == affinity
    assert [signal.getsignal(s) for s in range(1, 32)] == handlers


def test_expanded_rows_are_first_match_of_their_rules() -> None:
    rules = some_rules(3, (ANY, 1, 2))
    rows = expanded(rules)
    single = rules.take(rows.rule)
    single = replace(
        single,
        **{
            name: one(getattr(rules, name), at)
            for name, at in (
                ("src4", rows.src),
                ("dst4", rows.dst),
                ("sport", rows.sport),
                ("dport", rows.dport),
            )
        },
        protocol=protocol_sets(rows.protocol),
    )
    packets = some_packets(3, 4, 500)
    found = scan(single, packets)
    assert (np.where(found < 0, -1, rows.rule[found]) == scan(rules, packets)).all()
    assert (np.diff(rows.rule) >= 0).all()


def one(lists: Prefixes | Ranges, at: np.ndarray) -> Prefixes | Ranges:
    members = {f.name: getattr(lists, f.name)[at] for f in fields(lists) if f.name != "off"}
    return type(lists)(off=offsets_of_single(len(at)), **members)


def protocol_sets(value_mask: np.ndarray) -> np.ndarray:
    return protocols(
        [tuple(n for n in range(256) if n & mask == value) for value, mask in value_mask.tolist()]
    )


def test_what_rows_cannot_hold_is_refused() -> None:
    with pytest.raises(CapacityError, match="direction"):
        expanded(RuleSet.of([Rule(direction=1)]))
    wide = Rule(src=tuple(ip_network("10.0.0.0/16").subnets(new_prefix=29)))
    wide = replace(wide, dst=wide.src)
    with pytest.raises(CapacityError, match="67,108,864 rows"):
        expanded(RuleSet.of([wide]))


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    with pytest.raises(MachineError, match="gcc and pkg-config not installed"):
        eal.compiled()


def test_without_dpdk_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    require("gcc", "pkg-config")
    monkeypatch.setenv("PKG_CONFIG_LIBDIR", str(tmp_path))
    monkeypatch.setenv("PKG_CONFIG_PATH", str(tmp_path))
    with pytest.raises(MachineError, match="libdpdk is not installed"):
        eal.compiled()


@pytest.mark.oracle("rte_acl")
def test_the_harness_is_compiled_once(
    dpdk: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = eal.compiled()
    made, there = first.stat().st_mtime_ns, sorted(first.parent.iterdir())
    assert eal.compiled() == first
    assert first.stat().st_mtime_ns == made
    assert sorted(first.parent.iterdir()) == there
