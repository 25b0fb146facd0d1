"""Which devices change, and that some mixtures stand for all."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fabric_files import network_of, vrf, write_fabric
from hairpin_fabric import hairpin
from routed_demo import DEMO, DEMO_POLICY
from wired import wired

from cloison.views.changes.rolled_out import helping, sentences
from compiler.policy.ir import Action, Cidr, Direction, Matcher, Named, Policy, Rule, Stage
from fabric.diagnostics import InputError, UndecidedError
from sim.diff.rollout import transients
from sim.diff.rollout.answers import PairAnswers, beside
from sim.diff.rollout.devices import MOST_BETWEEN, Changing, separating
from sim.diff.rollout.safety import narrowed, rollout_safety
from sim.diff.rollout.transients import Transient, Transients, going_wrong
from sim.packets.headers import Flow
from sim.worlds.world import World

NONE = np.zeros(0, np.bool_)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7, 20, 21, 64, 500])
def test_any_two_are_apart_in_some_set(count: int) -> None:
    family = separating(range(count))
    held = np.array([[m in subset for m in range(count)] for subset in family], np.bool_)
    held = held.reshape(-1, count)
    for a, b in product(range(count), repeat=2):
        assert a == b or (held[:, a] & ~held[:, b]).any()
    assert len(family) <= 12


def test_those_between_have_all_versions() -> None:
    """Whatever two devices and those between have, some mixture gives it to them, but for the two
    worlds themselves."""
    change = Changing(NONE, NONE, (7, 9), (1, 2, 3, 7, 9))
    found = [*change.mixtures()]
    assert len(found) == len({*found})
    for a, b in product(change.devices, repeat=2):
        for versions in product((False, True), repeat=4):
            wanted = dict(zip((a, b, 7, 9), versions, strict=True))
            if len({(n, wanted[n]) for n in wanted}) != len(wanted):
                continue
            if any(all((n in s) == v for n, v in wanted.items()) for s in found):
                continue
            assert {*wanted.values()} in ({False}, {True}), wanted


def test_too_many_between_are_refused() -> None:
    many = tuple(range(MOST_BETWEEN + 1))
    with pytest.raises(UndecidedError, match="not all mixtures"):
        [*Changing(NONE, NONE, many, many).mixtures()]
    assert len([*Changing(NONE, NONE, many[1:], many[1:]).mixtures()]) == 2**MOST_BETWEEN - 2


def fabric(folder: Path, **more: object) -> World:
    folder.mkdir()
    tenants = {"a": vrf("10.0.0.0/16"), "b": vrf("10.1.0.0/16")}
    work = {"a": ["n/p@host1", "n/q@host2"], "b": ["n/r@host3"]}
    return World(network_of(write_fabric(folder, tenants, work, **more)))


def test_where_something_stands_changes_no_device(tmp_path: Path) -> None:
    old, new = (fabric(tmp_path / name) for name in "ab")
    found = rollout_safety(old, new)
    assert (found.devices, found.tried, found.verdict) == ((), 0, "holds")


def test_devices_that_change_are_those_that_decide_otherwise(tmp_path: Path) -> None:
    """A peering concerns the DPUs of both tenants, and everybody who sends or takes there."""
    peering = {"peerings": [{"name": "ab", "between": ["a/main", "b/main"], "ports": ["80/tcp"]}]}
    old, new = fabric(tmp_path / "a"), fabric(tmp_path / "b", **peering)
    moving = Transients(old, new)
    names = {e.name: n for n, e in enumerate(old.network.endpoints)}
    assert moving.changing.senders[names["a/n/p"]] and moving.changing.takers[names["b/n/r"]]
    assert {"dpu1", "dpu2", "dpu3"} <= {*moving.names(moving.changing.devices)}
    assert moving.changing.between == ()
    one_way = Policy(
        tuple(r for r in new.policy_read.rules if r.direction is not Direction.IN),
        new.policy_read.selections,
    )
    changing = Transients(old, World(old.network, one_way)).changing
    assert not (changing.takers & ~changing.senders).any()


def test_who_passes_on_otherwise_is_between(tmp_path: Path) -> None:
    """A border that leads on from red to blue, and one that does not."""
    old = network_of(hairpin(tmp_path, hairpin="permit"))
    fib = old.fib
    hop = next(n for n, (_, v) in enumerate(fib.instances) if old.vrfs[v].hairpin)
    chosen = list(fib.chosen)
    chosen[hop] = np.full_like(chosen[hop], -1)
    new = replace(old, fib=replace(fib, chosen=tuple(chosen)))
    changing = Transients(World(old), World(new)).changing
    assert changing.between == (fib.instances[hop][0],)


def test_what_goes_wrong_is_as_in_neither_version() -> None:
    """All of what may and must arrive, where what must may."""
    for may in product((False, True), repeat=3):
        for must in product((False, True), repeat=3):
            if any(sure and not some for some, sure in zip(may, must, strict=True)):
                continue
            rows = ([np.array([x]) for x in side] for side in (may, must))
            found = {kind for kind, sets in going_wrong(*rows).items() if sets[0]}
            words = ("no", "maybe", "yes")
            old, new, mixed = (words[a + b] for a, b in zip(may, must, strict=True))
            wanted = set()
            if mixed != "no" and old == new == "no":
                wanted.add("gained")
            if "no" not in (old, new) and mixed == "no":
                wanted.add("lost")
            if old == new == "yes" and mixed == "maybe":
                wanted.add("lost")
            assert found == wanted, (old, new, mixed)


def test_too_many_pairs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peering = {"peerings": [{"name": "ab", "between": ["a/main", "b/main"]}]}
    old, new = fabric(tmp_path / "a"), fabric(tmp_path / "b", **peering)
    monkeypatch.setattr(transients, "MAX_PAIRS", 3)
    with pytest.raises(UndecidedError, match="may be concerned"):
        rollout_safety(old, new)


def test_other_as_numbers_are_no_versions(tmp_path: Path) -> None:
    old = fabric(tmp_path / "a")
    plan = replace(old.network.plan, asn=tuple(n + 1 for n in old.network.plan.asn))
    with pytest.raises(InputError, match="other AS numbers"):
        rollout_safety(old, World(replace(old.network, plan=plan)))


def test_what_happens_whatever_those_between_have_is_told_of_the_ends() -> None:
    def one(newer: tuple[int, ...], older: tuple[int, ...]) -> Transient:
        flow = Flow(0, 4, 1, 2, 6)
        return Transient(newer, older, "lost", 1, 0, 1, flow, World(DEMO, DEMO_POLICY))

    moving: Any = SimpleNamespace(
        ends=lambda _: (1, 2), changing=SimpleNamespace(between=(7,), devices=(1, 2, 7))
    )
    always = [one((1, 7), (2,)), one((1,), (2, 7))]
    assert [(t.newer, t.older) for t in narrowed(moving, always)] == [((1,), (2,))]
    assert narrowed(moving, always[:1]) == always[:1]


def test_a_version_in_between_is_promised_where_routes_stay(tmp_path: Path) -> None:
    peering = {"peerings": [{"name": "ab", "between": ["a/main", "b/main"]}]}
    old, new = fabric(tmp_path / "a"), fabric(tmp_path / "b", **peering)
    found = rollout_safety(old, new)
    assert found.rerouted and "may help" in helping(found)
    said = rollout_safety(old, World(old.network, Policy()))
    assert not said.rerouted and "every order from the old one to it" in helping(said)


def test_answers_are_compared_on_atoms_of_all() -> None:
    """One world knows 0-9, the other 0-4 and 5-9 apart."""
    space = World(DEMO, DEMO_POLICY).blocks.l4
    size = space.size
    bits = np.zeros((2, size), np.bool_)
    bits[1] = True
    zero, vrf_of = np.zeros(1, np.int64), np.zeros(1, np.int64)
    keys = (zero, zero, zero + 4, zero, zero)
    coarse = PairAnswers(keys, zero + 1, zero + 1, bits, space, {0: ([0], [0])}, vrf_of)
    two = np.zeros(2, np.int64)
    keys = (two, two, two + 4, np.array([0, 1]), two)
    fine = PairAnswers(keys, np.array([1, 0]), two, bits, space, {0: ([0, 5], [0])}, vrf_of)
    found = beside(coarse, fine)
    assert found.starts == {0: ([0, 5], [0])}
    table = {
        tuple(int(k[row]) for k in found.keys): tuple(
            bool(found.bits[side[row]].any()) for side in found.may
        )
        for row in range(len(found.keys[0]))
    }
    assert table[0, 0, 4, 0, 0] == (True, True)
    assert table[0, 0, 4, 1, 0] == (True, False)
    assert table[0, 0, 4, 0, 1] == table[0, 0, 4, 1, 1] == (True, False)
    assert found.address(0, 4, 0) == 1 and found.address(0, 4, 1) == 6


def test_a_permit_that_becomes_a_deny_is_a_change() -> None:
    flipped = replace(
        DEMO_POLICY,
        rules=tuple(
            replace(r, action=Action.DENY if r.action is Action.PERMIT else r.action)
            for r in DEMO_POLICY.rules
        ),
    )
    assert any(r.action is Action.PERMIT for r in DEMO_POLICY.rules)
    changing = Transients(World(DEMO, DEMO_POLICY), World(DEMO, flipped)).changing
    assert changing.devices


def test_other_routes_alone_are_a_change(tmp_path: Path) -> None:
    old = fabric(tmp_path / "a").network
    at = next(n for n, row in enumerate(old.fib.chosen) if (row >= 0).any())
    chosen = list(old.fib.chosen)
    chosen[at] = np.full_like(chosen[at], -1)
    new = replace(old, fib=replace(old.fib, chosen=tuple(chosen)))
    changing = Transients(World(old), World(new)).changing
    assert changing.devices == (old.fib.instances[at][0],)
    assert (changing.senders == changing.takers).all() and changing.senders.any()


def test_what_is_gained_of_the_outside_is_found_address_by_address() -> None:
    """An endpoint may not send to 1.0.0.0/8, and then the outside takes nothing from it: in between
    it sends there."""
    origin = DEMO_POLICY.rules[0].origin
    sender, outside = (
        next(e for e in DEMO.endpoints if e.name == name) for name in ("acme/web/a", "zone2/inet")
    )

    def denying(way: Direction, local: str, remote: Matcher) -> World:
        rule = Rule(Stage.ISOLATION, way, 0, (Named((local,)),), (remote,), (), Action.DENY, origin)
        return World(wired(DEMO), Policy((rule,)))

    old = denying(Direction.OUT, sender.name, Cidr(ip_network("1.0.0.0/8")))
    new = denying(Direction.IN, outside.name, Named((sender.name,)))
    found = [
        t for t in rollout_safety(old, new).found if (t.src, t.dst) == (sender.index, outside.index)
    ]
    assert [(t.kind, t.newer, t.older) for t in found] == [
        ("gained", (sender.vtep,), (outside.vtep,))
    ]
    assert found[0].flow.dst >> 24 == 1
    assert found[0].trace().target == outside.index


def test_routes_on_their_way_are_never_safe(tmp_path: Path) -> None:
    """b imports what a exports by a target, and then by another one: every FIB stays as it is, but
    a device with the new one does not hear those that announce the old one."""

    def by(name: str, *targets: str, more: str = "") -> World:
        (folder := tmp_path / name).mkdir()
        tenants = {
            "a": vrf("10.0.0.0/16", export_rts=[*targets, *more.split()]),
            "b": vrf("10.1.0.0/16", import_rts=list(targets)),
        }
        work = {"a": ["n/p@host1"], "b": ["n/r@host3"]}
        return World(network_of(write_fabric(folder, tenants, work)))

    none, one, two = by("none"), by("one", "65000:77"), by("two", "65000:78")
    unheard = by("unheard", "65000:77", more="65000:79")
    for old, new in ((none, one), (one, two), (one, unheard)):
        found = rollout_safety(old, new)
        assert found.in_flight and found.verdict != "holds" and not found.ordered
        assert any("is not followed" in line for line in sentences(found))
    assert not found.rerouted, "targets alone"
    assert rollout_safety(one, one).verdict == "holds"
