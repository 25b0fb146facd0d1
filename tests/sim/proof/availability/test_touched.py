"""What a failure does not touch fares as before, and a proof of some pairs says of them what one of
all pairs says: in fabrics of every kind, for every single failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import yaml
from fabric_files import network_of
from failing_fabrics import KINDS, plain
from hairpin_fabric import hairpin
from walked_fabrics import random_world

from fabric.building.build import rebuild
from sim.proof.availability.failures import Failures, vrfs_of
from sim.proof.availability.touched import AskedPairs, Standing
from sim.proof.pairs.narrow import Limits, limits_of
from sim.proof.pairs.reachability import Reach, reachability
from sim.proof.prove import prove
from sim.proof.routes.paths import Column
from sim.worlds.world import World

Said = dict[tuple[int, int, int], tuple[bytes, bytes]]


def said(reach: Reach) -> Said:
    """By source, destination and IP version which L4 atoms may get through, and which surely do."""
    pairs, bits = reach.pairs, np.packbits(reach.sets, axis=1)
    rows = zip(*(c.tolist() for c in (pairs.src, pairs.dst, pairs.version)), strict=True)
    sets = zip(pairs.some.tolist(), pairs.sure.tolist(), strict=True)
    found = {
        row: (bits[a].tobytes(), bits[b].tobytes()) for row, (a, b) in zip(rows, sets, strict=True)
    }
    return {row: sets for row, sets in found.items() if any(map(any, sets))}


@pytest.mark.slices(8)
@pytest.mark.parametrize("seed", range(48))
def test_what_is_not_touched_fares_as_before(seed: int, tmp_path: Path) -> None:
    _, network = random_world(Random(seed), tmp_path)
    here = World(network)
    failures = Failures(reachability(here), lambda _: None)
    before = said(failures.reach)
    vrf, n = [e.vrf for e in network.endpoints], len(network.endpoints)
    keys = np.arange(n * n * 2)
    moved = 0
    for kind in KINDS[:-1]:
        for noticed in failures.each(kind):
            touched, gone = failures.touched(noticed), {*noticed.exempt(here)}
            after = said(failures.reached(noticed))
            rest, loses = touched.rows(keys), touched.rows(keys, losing=True)
            assert not (loses & ~rest).any()
            for key in {*before, *after}:
                if {*key[:2]} & gone:
                    continue
                row = (key[0] * n + key[1]) * 2 + (key[2] == 6)
                was, now = (world.get(key) for world in (before, after))
                assert rest[row] or was == now, (noticed.name, key)
                if was and not loses[row]:
                    assert now and not some_lost(was[0], now[0]), (noticed.name, key)
            moved += before != after
            some = np.unique(vrfs_of(failures.reach, keys[rest]))
            among = said(failures.reached(noticed, some))
            asked = {*some.tolist()}
            of = len(network.vrfs)
            assert among == {r: s for r, s in after.items() if vrf[r[0]] * of + vrf[r[1]] in asked}
    assert moved


@pytest.mark.slices(8)
@pytest.mark.parametrize("seed", range(48))
def test_who_asks_about_some_pairs_hears_of_them_what_is_said_of_all(
    seed: int, tmp_path: Path
) -> None:
    _, network = random_world(Random(seed), tmp_path)
    vteps = sorted({network.fabric.nodes[vtep].name for vtep, _ in network.fib.instances})
    found = 0
    for down in ([], [vteps[0]], [vteps[-1]]):
        failures = Failures(reachability(World(rebuild(network, down=down))), lambda _: None)
        asked = [*questions(Random(seed), len(network.endpoints))]
        known = [failures.asked(pairs) for pairs, _ in asked]
        for noticed in (one for kind in KINDS[:-1] for one in failures.each(kind)):
            every = failures.touched(noticed)
            for (pairs, limits), some in zip(asked, known, strict=True):
                mine = failures.touched(noticed, some)
                for losing in (False, True):
                    wanted = every.rows(pairs, limits, losing=losing)
                    assert mine.rows(pairs, limits, losing=losing).tolist() == wanted.tolist()
                    found += wanted.any()
    assert found


def questions(rng: Random, endpoints: int) -> Iterator[tuple[Column, Limits]]:
    """Pairs about which alone something is asked, from one to all of some ends, and limits."""
    for several in (1, 2, 4):
        ends = [np.array(rng.sample(range(endpoints), min(several, endpoints))) for _ in range(2)]
        pairs = (ends[0][:, None] * endpoints + ends[1]).ravel() * 2
        limits = limits_of(rng.choice(["10.0.0.0/25", "a/*"]), rng.choice(["0.0.0.0/1", "b/*"]))
        assert limits is not None
        yield np.sort(np.r_[pairs, pairs + 1]), limits


def some_lost(was: bytes, now: bytes) -> bool:
    return any(a & ~b for a, b in zip(was, now, strict=True))


def test_vrfs_of_pairs(tmp_path: Path) -> None:
    _, network = random_world(Random(1), tmp_path)
    reach = reachability(World(network))
    n, ends = len(network.endpoints), network.endpoints
    keys = np.array([(3 * n + 1) * 2, (3 * n + 1) * 2 + 1, (1 * n + 3) * 2])
    vrfs = len(network.vrfs)
    there, back = (ends[a].vrf * vrfs + ends[b].vrf for a, b in ((3, 1), (1, 3)))
    assert vrfs_of(reach, keys).tolist() == [there, there, back]


def test_vteps_that_lost_each_other_are_touched_whatever_routes_say(tmp_path: Path) -> None:
    network = network_of(plain(tmp_path))
    here = World(network)
    failures = Failures(reachability(here), lambda _: None)
    there = here.over(replace(network, underlay=rebuild(network, down=["dpu2"]).underlay))
    (one, *_) = (noticed for noticed in failures.each("any-1-node") if noticed.name != "dpu2")
    ends, n = network.endpoints, len(network.endpoints)
    keys = np.arange(n * n * 2)
    touched = failures.touched(replace(one, world=there)).rows(keys)
    gone = {*one.exempt(here)}
    cut = {e.index for e in ends if network.fabric.nodes[e.vtep].name == "dpu2"}
    pairs = [(a, b) for a in cut - gone for b in range(n) if b not in cut | gone]
    assert pairs
    assert all(touched[(a * n + b) * 2] and touched[(b * n + a) * 2] for a, b in pairs)
    assert not failures.touched(replace(one, world=here)).rows(keys).any()


def test_who_is_asked_about_may_be_answered_by_any_prefix_around(tmp_path: Path) -> None:
    """A VTEP that lacks the longest prefix of an address goes by one that holds it."""
    network = network_of(plain(tmp_path))
    reach, n = reachability(World(network)), len(network.endpoints)
    pods = np.array([e.index for e in network.endpoints if e.kind == "pod"])
    asked = AskedPairs(Standing(reach), (pods[:, None] * n + pods).ravel() * 2)
    vrf = network.endpoints[pods[0]].vrf
    found, around = asked.prefixes(vrf, np.zeros(n, np.bool_))
    known = network.fib.vrf_routes[vrf].prefixes
    of = [prefix for prefix, asked_of in zip(known, found, strict=False) if asked_of]
    assert [known[number] for number in around] == [
        p for p in known if any(p.version == q.version and q.subnet_of(p) for q in of)
    ]
    assert len(around) > len(of) > 0


def test_one_end_with_other_routes_is_enough(tmp_path: Path) -> None:
    """Without the DPU of `blue` the border has no route for its prefix any more, so what `red`
    sends there goes on to the outside; `red` has the same routes as before."""
    path = hairpin(tmp_path)
    file = yaml.safe_load(path.read_text())
    line = {"deny": "red/lab/probe -> 198.51.100.70:443/tcp"}
    file["expect"] = [{**line, "hold_under": ["any-1-node"]}]
    path.write_text(yaml.safe_dump(file))
    here, there = World(network_of(path)), World(network_of(path, down=["dpu2"]))
    (standing,), (without,) = prove(here).outcomes, prove(there).outcomes
    assert (standing.holds, without.holds) == (True, False)
    assert [o.under for o in prove(here).under_failure] == ["dpu2"]


def test_anybody_is_touched_where_vteps_pass_on_what_they_take_out_of_tunnels(
    tmp_path: Path,
) -> None:
    network = network_of(hairpin(tmp_path))
    here, n = World(network), len(network.endpoints)
    relayed = replace(network, vrfs=tuple(replace(vrf, hairpin=True) for vrf in network.vrfs))
    keys = np.arange(n * n * 2)
    for world in (here, here.over(relayed)):
        failures = Failures(reachability(world), lambda _: None)
        (one, *_) = failures.each("any-1-node")
        gone = np.isin(np.divmod(keys // 2, n), one.exempt(world)).any(axis=0)
        assert failures.touched(one).every == (world is not here)
        assert failures.touched(one).rows(keys)[~gone].all() == (world is not here)
