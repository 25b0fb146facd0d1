"""Whatever pins, lock file, written values and rules say together: no number is two things', or the
file is refused with a diagnostic; and what the lock file gives stays."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import network_of, vrf, write_fabric
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.plan import lock

HOSTS = [f"host{n}" for n in range(1, 5)]
NODES = ["spine1", "spine2", "leaf1", "leaf2", "dpu1", "dpu2", "dpu3", "dpu4", "border1"]
VRFS = ["a/main", "b/main", "b/two", "c/n", "c/nodes", "gone/main"]
SITE = {"spines": 2, "leaves": 2, "hosts_per_pair": 4, "borders": 1}


def values(network: Network) -> Iterator[tuple[str, Any, str]]:
    """Every number that must be one thing's alone: its kind, itself, whose it is."""
    names = [node.name for node in network.fabric.nodes]
    plan, vrfs = network.plan, network.vrfs
    for index, address in enumerate(plan.loopback):
        if address:
            yield "loopback", address, names[index]
    for vrf_ in vrfs:
        yield "vni", vrf_.vni, vrf_.name
        yield "rt", plan.native_rt[vrf_.index], vrf_.name
    for key, target in plan.intent_rt.items():
        yield "rt", target, key
    for (vtep, number), rd in plan.rd.items():
        yield "rd", rd, f"{names[vtep]} {vrfs[number].name}"
    for (vtep, number), mac in plan.router_mac.items():
        yield "mac", mac, f"{names[vtep]} {vrfs[number].name}"
    for endpoint in network.endpoints:
        for prefix in endpoint.prefixes:
            yield "address", (endpoint.vrf, prefix), endpoint.name


def shared(network: Network) -> list[Any]:
    """Numbers that two things have, and blocks of one address space that overlap."""
    owners: dict[Any, set[str]] = {}
    for kind, value, owner in values(network):
        owners.setdefault((kind, value), set()).add(owner)
    twice: list[Any] = [(what, who) for what, who in owners.items() if len(who) > 1]
    spaces: dict[str, list[tuple[str, Any]]] = {}
    for (host, number), blocks in network.plan.blocks.items():
        vrf_ = network.vrfs[number]
        space = vrf_.tenant if vrf_.tenant == "c" else vrf_.name
        spaces.setdefault(space, []).extend((f"{host} {vrf_.name}", block) for block in blocks)
    for owned in spaces.values():
        twice += [
            (one, two)
            for one, two in combinations(owned, 2)
            if one[1].version == two[1].version and one[1].overlaps(two[1])
        ]
    return twice


def plausible(chance: random.Random) -> Mapping[str, Callable[[], tuple[str, Any]]]:
    """An entry of each section, from few enough values that they meet."""
    pick = chance.choice
    node_vrf: Callable[[], str] = lambda: f"{pick(NODES[4:])} {pick(VRFS[:5])}"  # noqa: E731
    name: Callable[[], str] = lambda: pick(  # noqa: E731
        ["a/n/p0", "a/n/p1", "b/n/p0", "b/m/p1", "c/n/p0", "c/m/p1", "a/@node/host1", "a/n/gone"]
    )
    near: Callable[[], str] = lambda: f"10.0.0.{pick([2, 3, 18, 19, 34])}"  # noqa: E731
    return {
        "asn": lambda: (pick([*NODES, "spines"]), 4200000000 + chance.randrange(6)),
        "loopback": lambda: (pick(NODES), f"10.255.0.{chance.randrange(1, 10)}"),
        "vni": lambda: (pick(VRFS[:4]), pick([10001, 10002, 10003, 40000, 40001, 32768, 70000])),
        "rd": lambda: (
            node_vrf(),
            f"10.255.0.{chance.randrange(4, 8)}:{pick([10001, 32768, 32769])}",
        ),
        "rt": lambda: (
            pick(["a/main", "b/main", "leak lk", "leak lk clients", "peering pe b/two"]),
            f"65000:{pick([10001, 10002, 40000, 40001, 40002])}",
        ),
        "router_mac": lambda: (node_vrf(), f"02:c1:00:00:00:0{chance.randrange(1, 6)}"),
        "blocks": lambda: (
            f"{pick(HOSTS)} {pick(VRFS[:5])}",
            [pick([*(f"10.0.0.{16 * n}/28" for n in range(4)), "10.0.0.0/27"])],
        ),
        "addresses": lambda: (name(), [near()]),
        "hosts": lambda: (name(), pick(HOSTS)),
    }


def some_pins(chance: random.Random, most: int) -> dict[str, dict[str, Any]]:
    """Random sections of random entries."""
    makers = plausible(chance)
    out: dict[str, dict[str, Any]] = {}
    for section in chance.sample(sorted(makers), chance.randrange(0, most)):
        out[section] = dict(makers[section]() for _ in range(chance.randrange(1, 4)))
    return out


def world(folder: Path, chance: random.Random, *, locked: bool = True) -> Path:
    """Three tenants, one with several VRFs and one with one per namespace, that leak and peer."""
    count = chance.randrange(1, 3)
    work = {
        "a": [f"n/p{i}@{chance.choice(HOSTS)}" for i in range(count)],
        "b": [f"n/p0@{chance.choice(HOSTS)}", f"m/p1@{chance.choice(HOSTS)}"],
        "c": [f"n/p0@{chance.choice(HOSTS)}", f"m/p1@{chance.choice(HOSTS)}=10.0.0.18"],
    }
    raw = chance.choice([[], ["65000:40000"], ["65000:10002"], ["65000:40001", "65000:10001"]])
    vni = chance.choice([{}, {"vni": 40000}, {"vni": 32768}, {"vni": 10002}])
    tenants: dict[str, Any] = {
        "a": vrf("10.0.0.0/24", import_rts=raw, **vni),
        "b": {
            "vrfs": {
                "main": {"prefixes": ["10.0.0.0/24"]},
                "two": {"prefixes": ["10.0.0.0/24"], "namespaces": ["m"]},
            }
        },
        "c": {**vrf("10.0.0.0/24"), "vrf_per": "namespace"},
    }
    more = {
        "sites": {"s": SITE},
        "pools": {"blocks": {"v4": 28, "v6": 112}},
        "pins": some_pins(chance, 4),
    }
    if chance.random() < 0.5:
        tenants["d"] = vrf("172.16.0.0/24")
        tenants["e"] = vrf("172.17.0.0/24", vni=chance.choice([10003, 40001]))
        more["leaks"] = [{"name": "lk", "from": "d/main", "to": ["e/main"]}]
    path = write_fabric(folder, tenants, work, **more)
    if locked and chance.random() < 0.7:
        lock.path_of(path).write_text(yaml.safe_dump(some_pins(chance, 5)))
    return path


@pytest.mark.slices(6)
@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32))
def test_no_number_is_given_to_two_or_the_file_is_refused(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    path = world(tmp_path_factory.mktemp("world"), random.Random(seed))
    try:
        network = network_of(path, lock=True)
    except InputError as error:
        assert all(d.code.startswith("C") and d.message for d in error.diagnostics)
        return
    assert shared(network) == []
    again = network_of(path, lock=True)
    assert sorted(values(again), key=str) == sorted(values(network), key=str)
    assert shared(again) == []


@pytest.mark.slices(6)
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_what_is_locked_stays_or_the_change_is_refused(
    tmp_path_factory: pytest.TempPathFactory, before: int, after: int
) -> None:
    folder = tmp_path_factory.mktemp("world")
    path = world(folder, random.Random(before), locked=False)
    try:
        network_of(path, lock=True)
    except InputError:
        return
    kept = lock.path_of(path).read_bytes()
    world(folder, random.Random(after), locked=False)
    try:
        network = network_of(path, lock=True)
    except InputError:
        assert lock.path_of(path).read_bytes() == kept
        return
    assert shared(network) == []
    has = lock.read(lock.path_of(path)).pins
    lock.path_of(path).write_bytes(kept)
    had = lock.read(lock.path_of(path)).pins
    pins = network.spec.pins
    for section in ("asn", "loopback", "vni", "rd", "rt", "router_mac", "blocks", "addresses"):
        old, new, given_ = (getattr(p, section) for p in (had, has, pins))
        for key, value in old.items():
            moved = key in given_ or key not in new or new[key] == value
            if section == "blocks" and key in new:
                moved = key in given_ or new[key][: len(value)] == value
            assert moved or section == "addresses", (section, key, value, new.get(key))


def test_most_kinds_of_trouble_are_met(tmp_path: Path) -> None:
    met: Counter[str] = Counter()
    for seed in range(120):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            network_of(world(folder, random.Random(seed)), lock=True)
            met["built"] += 1
        except InputError as error:
            met.update({d.code for d in error.diagnostics})
    assert met["built"] > 15
    assert {"C428", "C481", "C485", "C438", "C439", "C422"} <= met.keys(), met


def test_a_vrf_has_one_vni(tmp_path: Path) -> None:
    """What is pinned and what is written where the VRF is are the same, or it is told."""
    for pinned in (20001, 20002):
        tenants = {"a": vrf("10.0.0.0/16", vni=20001)}
        path = write_fabric(tmp_path, tenants, {}, pins={"vni": {"a/main": pinned}})
        if pinned == 20001:
            assert network_of(path).vrfs[0].vni == pinned
            continue
        with pytest.raises(InputError, match="a VRF has one") as caught:
            network_of(path)
        assert [d.code for d in caught.value.diagnostics] == ["C422"]
