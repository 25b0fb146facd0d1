"""Traces hit what they are drawn from, are the same always, and survive being written."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pytest
from rule_sets.catalogue import SETS, generate

from fabric.diagnostics import InputError
from sim.classify.columns import Columns
from sim.classify.engines.linear import scan
from sim.classify.ruleset import ANY, Rule, RuleSet
from sim.classify.timing.trace_files import read, write
from sim.classify.traces import KINDS, trace

N = 2000


def same(a: Columns, b: Columns) -> bool:
    return all(
        np.array_equal(getattr(a, field.name), getattr(b, field.name)) for field in fields(a)
    )


@pytest.mark.parametrize("name", ["policy-1k", "policy6-1k", "acl-1k", "dash-1k"])
@pytest.mark.parametrize("kind", KINDS)
def test_traces_are_reproducible_columns(name: str, kind: str) -> None:
    rules, version = generate(name), SETS[name].version
    packets = trace(rules, kind, N, version)
    assert (len(packets), packets.version) == (N, version)
    assert (packets.vni is None) == (name == "acl-1k")
    assert same(packets, trace(rules, kind, N, version))
    assert not same(packets, trace(rules, kind, N, version, seed=6))


@pytest.mark.parametrize("name", ["policy-1k", "policy6-1k", "acl-1k", "fw-1k"])
def test_uniform_packets_lie_in_rules_and_reach_most_of_them(name: str) -> None:
    rules = generate(name)
    found = scan(rules, trace(rules, "uniform", 5 * N, SETS[name].version))
    assert (found >= 0).all()
    assert len(np.unique(found)) > 0.6 * len(rules)


def test_zipf_repeats_flows() -> None:
    rules = generate("acl-1k")
    packets = trace(rules, "zipf", 10 * N)
    flows = np.stack([packets.src, packets.dst, packets.sport, packets.dport])
    count = np.sort(np.unique(flows, axis=1, return_counts=True)[1])
    assert len(count) < 0.8 * len(packets)
    assert count[-1] > 20 * np.median(count)


def test_corners_are_ends_and_their_neighbours() -> None:
    rules = RuleSet.of([Rule(src=(ip_network("10.0.0.0/24"),), dport=((80, 90),))])
    packets = trace(rules, "corner", 500)
    first = 10 << 24
    assert set(packets.src.tolist()) == {first - 1, first, first + 1, first + 254, first + 255} | {
        first + 256
    }
    assert set(packets.dport.tolist()) == {79, 80, 81, 89, 90, 91}


def test_mixed_packets_stay_in_their_vni() -> None:
    rules = RuleSet.of(
        [Rule(vni=vni, dport=((port, port),)) for vni in (1, 2) for port in (vni, vni + 10)]
    )
    packets = trace(rules, "mixed", 500)
    pairs = set(zip(packets.vni.tolist(), packets.dport.tolist(), strict=True))
    assert pairs == {(1, 1), (1, 11), (2, 2), (2, 12)}


def test_a_rule_for_every_vni_is_tried_in_known_ones() -> None:
    rules = RuleSet.of([Rule(vni=7), Rule(vni=9), Rule(vni=ANY)])
    assert set(trace(rules, "uniform", 500).vni.tolist()) == {7, 9}


def test_rules_without_packets_give_random_ones() -> None:
    six = RuleSet.of([Rule(src=(ip_network("::/0"),))])
    assert len(trace(six, "uniform", 10, 4)) == 10
    assert len(trace(RuleSet.of([]), "mixed", 10, 6)) == 10


@pytest.mark.parametrize("name", ["policy-1k", "policy6-1k", "acl-1k"])
def test_what_is_written_is_read(name: str, tmp_path: Path) -> None:
    packets = trace(generate(name), "uniform", 100, SETS[name].version)
    write(packets, tmp_path / "trace")
    assert same(read(tmp_path / "trace"), packets)


def test_traces_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no"):
        read(tmp_path)
    write(trace(generate("acl-1k"), "uniform", 100), tmp_path)
    np.save(tmp_path / "ttl.npy", np.zeros(100))
    np.save(tmp_path / "vni.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "dscp.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert [d.code for d in caught.value.diagnostics] == ["C744"] * 3
    for name in ("ttl", "vni", "dscp"):
        (tmp_path / f"{name}.npy").unlink()
    np.save(tmp_path / "sport.npy", np.zeros(99, np.uint16))
    (tmp_path / "dport.npy").unlink()
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert {d.code for d in caught.value.diagnostics} == {"C740"}
