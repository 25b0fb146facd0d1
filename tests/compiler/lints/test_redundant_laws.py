"""A rule is told if, and only if, every packet fares as well without it; random clusters, judged by
the definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from generators_admin_netpol import admin_cluster
from generators_netpol import BLOCKS, PORTS, cluster

from compiler.compile import read_policy
from compiler.lints.asked import AskedPolicies, WrittenRule, written_of
from compiler.lints.exceptions import without_effect
from compiler.lints.redundant import RemovableRules
from compiler.policy.ir import Direction, Packet, Policy
from compiler.policy.origin_kinds import kind_of
from compiler.policy.semantics import decide
from compiler.policy.source import with_unclaimed
from compiler.sources import SOURCES
from fabric.building.cluster import cluster_network
from fabric.building.network import Network

PARTS = 4
WORLDS = 60
LISTS = {Direction.IN: ("ingress", "from"), Direction.OUT: ("egress", "to")}
PLACED = {"namespaces", "pods", "networks"}
ENDS = sorted(
    {
        int(net[at]) + step
        for text in (*BLOCKS, *(hole for holes in BLOCKS.values() for hole in holes))
        for net in [ip_network(text)]
        for at in (0, -1)
        for step in (-1, 0, 1)
        if 0 <= int(net[at]) + step < 2**net.max_prefixlen
    }
)


def crowded(rng: Random, make: Any) -> list[dict[str, Any]]:
    """A random cluster in which most policies are about the same pods, and most are evaluated."""
    out: list[dict[str, Any]] = make(rng)
    known = rng.random() < 0.8
    spaces = {item["metadata"]["name"] for item in out if item["kind"] == "Namespace"}
    missing = sorted(set("xy") - spaces) if known else []
    out += [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in missing]
    for item in out:
        if "namespace" in item["metadata"] and item["kind"] != "Namespace":
            item["metadata"]["namespace"] = "x" if rng.random() < 0.8 else "y"
        if item["kind"] == "NetworkPolicy" and rng.random() < 0.6:
            item["spec"]["podSelector"] = {}
        if "subject" in item.get("spec", {}) and rng.random() < 0.6:
            item["spec"]["subject"] = {"namespaces": {}}
        for key, peers in LISTS.values() if known and "subject" in item.get("spec", {}) else ():
            for rule in item["spec"].get(key, ()):
                rule[peers] = [p if p.keys() & PLACED else {"namespaces": {}} for p in rule[peers]]
    return out


def written(folder: Path, objects: list[dict[str, Any]]) -> Network:
    (folder / "all.yaml").write_text(yaml.safe_dump_all(objects, sort_keys=False))
    return with_unclaimed(cluster_network([folder / "all.yaml"]), SOURCES)


def in_cells(asked: AskedPolicies, whose: Iterable[WrittenRule]) -> Iterator[Packet]:
    """One packet of every class that a rule holds, at every endpoint that it is about."""
    for rule in whose:
        for place, numbers in asked.places.get(rule, {}).items():
            direction, ends = asked.asking[place.table]
            for a, p in product(*map(range, place.table.shape)):
                if place.table.held(numbers)[a, p]:
                    at = place.table.packet((a, p))
                    for end in ends[:2]:
                        yield Packet(
                            direction, end, at.version, at.address, at.vrf, at.protocol, at.sport,
                            at.dport,
                        )  # fmt: skip


def at_bounds(rng: Random, network: Network, count: int) -> Iterator[Packet]:
    """Packets between pods, and at the ends of blocks."""
    own = [
        (p.version, int(p[0]))
        for e in network.endpoints
        for p in e.prefixes
        if p.num_addresses == 1
    ]
    ends = [(6 if n >> 32 else 4, n) for n in ENDS]
    pods = [e.index for e in network.endpoints if e.kind == "pod"]
    for _ in range(count if pods else 0):
        version, address = rng.choice(rng.choice((own, ends)))
        yield Packet(
            rng.choice(list(Direction)), rng.choice(pods), version, address, 0,
            rng.choice((6, 17, 132, 1)), 40000, rng.choice((*PORTS, 52, 79, 8081)),
        )  # fmt: skip


def fares(policy: Policy, network: Network, packet: Packet) -> bool:
    return decide(policy, network, packet).permit


def without(policy: Policy, gone: RemovableRules) -> Policy:
    """The policy, all that is told taken out of it."""
    kept = tuple(
        rule
        for rule in policy.rules
        for found in [written_of(rule.origin, rule.direction)]
        if found is None
        or (found not in gone.rules and (found, rule.origin.span) not in gone.peers)
    )
    return replace(policy, rules=kept)


def as_edited(objects: list[dict[str, Any]], gone: RemovableRules) -> list[dict[str, Any]]:
    """The manifests, all rules that are told taken out of the text."""
    out = deepcopy(objects)
    for item in out:
        about = item["metadata"]
        name = f"{about['namespace']}/{about['name']}" if "namespace" in about else about["name"]
        for direction, (key, _) in LISTS.items():
            rules = (item.get("spec") or {}).get(key)
            if isinstance(rules, list):
                item["spec"][key] = [
                    rule
                    for number, rule in enumerate(rules)
                    if not any(
                        (w.kind, w.name, w.direction, w.item)
                        == (item["kind"], f"cluster/{name}", direction, number)
                        for w in gone.rules
                    )
                ]
    return out


@pytest.mark.slices(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("make", [cluster, admin_cluster])
def test_all_that_is_told_can_go_together(tmp_path: Path, make: Any, part: int) -> None:
    seen = 0
    for seed in range(part, WORLDS, PARTS):
        rng = Random(seed)
        objects = crowded(rng, make)
        network = written(tmp_path, objects)
        policy = read_policy(network)
        asked = AskedPolicies(network, policy)
        gone = RemovableRules(asked)
        told = {*gone.rules, *(rule for rule, _ in gone.peers)}
        seen += len(told)
        packets = [*in_cells(asked, told), *at_bounds(rng, network, 150)]
        packets = rng.sample(packets, min(len(packets), 600))
        less = without(policy, gone)
        edited = read_policy(written(tmp_path, as_edited(objects, gone)))
        by_rules = without_rules(policy, gone)
        for packet in packets:
            verdict = fares(policy, network, packet)
            assert fares(less, network, packet) == verdict, (seed, packet)
            assert fares(edited, network, packet) == fares(by_rules, network, packet), seed
    assert seen > 4


def without_rules(policy: Policy, gone: RemovableRules) -> Policy:
    kept = (r for r in policy.rules if written_of(r.origin, r.direction) not in gone.rules)
    return replace(policy, rules=tuple(kept))


@pytest.mark.slices(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_is_not_told_is_needed(tmp_path: Path, part: int) -> None:
    """Of NetworkPolicies, of which none hides another: without a rule that stays, or one of several
    peers that stay, some packet of it fares otherwise."""
    needed = 0
    for seed in range(part, WORLDS, PARTS):
        network = written(tmp_path, crowded(Random(seed), cluster))
        policy = read_policy(network)
        asked = AskedPolicies(network, policy)
        gone = RemovableRules(asked)
        less = without(policy, gone)
        for rule in () if asked.unread else asked.written:
            if rule in gone.rules or rule not in asked.places or rule in gone.kept:
                continue
            alone = replace(
                less,
                rules=tuple(r for r in less.rules if written_of(r.origin, r.direction) != rule),
            )
            assert any(
                fares(less, network, packet) != fares(alone, network, packet)
                for packet in in_cells(asked, [rule])
            ), (seed, rule)
            needed += 1
    assert needed > 20


def planted(rng: Random, objects: list[dict[str, Any]]) -> WrittenRule | None:
    """A rule that says what another one of its policy says, or less, behind it."""
    chosen = [
        (item, direction, number)
        for item in objects
        if item["kind"].endswith("NetworkPolicy")
        for direction, (key, _) in LISTS.items()
        for number in range(len(item["spec"].get(key) or ()))
    ]
    if not chosen:
        return None
    item, direction, number = rng.choice(chosen)
    side, peers = LISTS[direction]
    about = item["metadata"]
    copy = deepcopy(item["spec"][side][number])
    if copy.get(peers) and rng.random() < 0.5:
        copy[peers] = [rng.choice(copy[peers])]
    if item["kind"] == "NetworkPolicy":
        if not copy.get("ports"):
            copy["ports"] = rng.choice(([], [{"port": 80}], [{"protocol": "UDP"}]))
        item["spec"].setdefault("policyTypes", ["Ingress", "Egress"])
    item["spec"][side].append(copy)
    name = "/".join(["cluster", *(about[key] for key in ("namespace", "name") if key in about)])
    return WrittenRule(kind_of(item["kind"]), name, direction, len(item["spec"][side]) - 1)


@pytest.mark.parametrize("make", [cluster, admin_cluster])
def test_what_is_planted_is_found(tmp_path: Path, make: Any) -> None:
    found = 0
    for seed in range(120):
        rng = Random(seed)
        objects = crowded(rng, make)
        rule = planted(rng, objects)
        if rule is None:
            continue
        network = written(tmp_path, objects)
        asked = AskedPolicies(network, read_policy(network))
        if rule in asked.places and not asked.unread:
            assert rule in RemovableRules(asked).rules, seed
            found += 1
    assert found > 40


@pytest.mark.slices(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_exceptions_are_told_if_nobody_is_left_out(tmp_path: Path, part: int) -> None:
    seen = {True: 0, False: 0}
    for seed in range(part, WORLDS, PARTS):
        network = written(tmp_path, crowded(Random(seed), cluster))
        policy = read_policy(network)
        asked = AskedPolicies(network, policy)
        told = {(h.rule.origin, h.prefix) for h in without_effect(asked)}
        for rule, rules in () if asked.unread else asked.written.items():
            for one in rules if (rule.kind, rule.name) not in asked.idle else ():
                block: Any = one.remote[0]
                for hole in getattr(block, "excepts", ()):
                    others = tuple(other for other in block.excepts if other != hole)
                    filled = replace(one, remote=(replace(block, excepts=others),))
                    more = replace(
                        policy, rules=tuple(filled if r is one else r for r in policy.rules)
                    )
                    parts = list(
                        asked.meant(
                            replace(one, remote=(replace(block, prefix=hole, excepts=others),))
                        )
                    )
                    changed = any(
                        fares(policy, network, packet) != fares(more, network, packet)
                        for packet in around(asked, one, parts)
                    )
                    if parts:
                        assert changed != ((one.origin, hole) in told), (seed, hole)
                        seen[changed] += 1
    assert seen[True] > 1


def around(asked: AskedPolicies, rule: Any, parts: Any) -> Iterator[Packet]:
    """One packet of every class of what a hole holds."""
    for place, lines in asked.where(rule, parts):
        cut = place.table.with_lines(lines)
        direction, ends = asked.asking[place.table]
        held = cut.held(cut.extra)
        for a, p in product(*map(range, cut.shape)):
            if held[a, p]:
                at = cut.packet((a, p))
                for end in ends:
                    yield Packet(
                        direction, end, at.version, at.address, at.vrf, at.protocol, at.sport,
                        at.dport,
                    )  # fmt: skip
