"""Law of stand-ins of classes: what passes between classes of two worlds is what passes between all
pairs of their endpoints, with fewer of them asked about."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from random import Random

import pytest
import yaml
from cilium_cases import pod, space
from crowds import crowd
from diff_fabrics import fabric_pair
from diff_worlds import cluster_world, edited, fabric_world

import cloison
from compiler.program.program import Program
from fabric.building.network import Network
from sim.diff.peers import Class, Peer, peers
from sim.diff.side_by_side import OutsideLine, Side, Sides
from sim.diff.stood_for import outer_ends, reach_of_classes
from sim.proof.pairs.reachability import Reach, reach_between
from sim.proof.routes.paths import PathSpace
from sim.worlds.world import World

DOWN = ((), (), ("dpu1",), ("leaf1",))


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.diff.stood_for.LISTED", 0)


@pytest.mark.parametrize("seed", range(16))
def test_classes_of_fabrics_fare_as_their_members(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    old, new = fabric_pair(rng)
    for document in (old, new):
        for number, name in enumerate(("ntp", "log")):
            unused = {"addresses": [f"198.18.0.{98 + number}"]}
            document["zones"]["zone0"]["endpoints"][name] = unused
    down = rng.choice(DOWN)
    check(fabric_world(tmp_path / "old", old, down), fabric_world(tmp_path / "new", new, down))


@pytest.mark.parametrize("seed", range(16))
def test_classes_of_clusters_fare_as_their_members(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    old = crowd(rng)
    check(*(cluster_world(tmp_path / str(n), o) for n, o in enumerate((old, edited(rng, old)))))


SITE = """\
cloison: 1
name: own
sites: { s: { spines: 1, leaves: 2, hosts_per_pair: 2, borders: 0 } }
tenants:
  b: { hosts: [host1, host2], manifests: [all.yaml], vrfs: { main: { prefixes: [10.0.0.0/24] } } }
"""


def isolated(folder: Path, *, isolate: bool) -> Path:
    """A workload with pods on two hosts, which a policy may keep all but their own nodes from."""
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "w", "controller": True}
    objects = [space("y")]
    for number in range(4):
        one = pod(f"w-{number}", "y", of="w")
        one["spec"]["nodeName"] = f"host{1 + number % 2}"
        one["metadata"] |= {"ownerReferences": [owner], "labels": {"of": "w"}}
        objects.append(one)
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "np", "namespace": "y"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }
    folder.mkdir()
    every = [*objects, policy] if isolate else objects
    (folder / "all.yaml").write_text(yaml.safe_dump_all(every))
    (folder / "f.yaml").write_text(SITE)
    return folder / "f.yaml"


def test_a_packet_is_of_those_whom_its_row_is_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No stand-in of others is the node of the pod that it sends to."""
    paths = [isolated(tmp_path / str(n), isolate=n == 0) for n in range(2)]
    for old, new in (paths, reversed(paths)):
        monkeypatch.setattr("sim.diff.stood_for.LISTED", 0)
        few = [*cloison.diff(old, new)]
        monkeypatch.setattr("sim.diff.stood_for.LISTED", 1_000_000)
        assert few == [*cloison.diff(old, new)]
        assert {row["nodes"] for row in few if "@node" in row["source"]} == {"other"}
        assert {row["because"].partition(":")[0] for row in few} == {"NetworkPolicy b/y/np"}


def check(*built: tuple[Network, Program]) -> None:
    old, new = (World.compiled(program) for _, program in built)
    new = new.beside(old)
    policies = old.program.policy, new.program.policy
    found = peers(old.network, new.network, policies, frozenset())
    by_host = frozenset(one.peer for one in found.old)
    for uneven in (frozenset[Peer](), by_host):
        found = peers(old.network, new.network, policies, uneven)
        by_class = Sides.of(asked(old, found.old), asked(new, found.new), found)
        for side in (by_class.old, by_class.new):
            assert apart(side.reach)
        by_pair = Sides.of(full(old), full(new), found)
        for mine, theirs in ((by_class.old, by_pair.old), (by_class.new, by_pair.new)):
            assert said(by_class, mine) == said(by_pair, theirs)
            assert len(mine.reach.pairs) <= len(theirs.reach.pairs)


def apart(reach: Reach) -> bool:
    """Whether everybody who is compared by address is asked about."""
    outer = reach.world.once(outer_ends)
    assert reach.stand_ins is not None
    return len({*reach.stand_ins.of[outer].tolist()}) == outer.sum()


def asked(world: World, classes: tuple[Class, ...]) -> Reach:
    space = PathSpace.of(world.network, world.blocks)
    return reach_of_classes(world, space, classes, everywhere(world))


def full(world: World) -> Reach:
    space = PathSpace.of(world.network, world.blocks)
    return reach_between(world, space, everywhere(world))


def everywhere(world: World) -> list[tuple[str, str]]:
    return [*product([vrf.name for vrf in world.network.vrfs], repeat=2)]


def said(sides: Sides, side: Side) -> object:
    """What passes between classes, and from and to the outside, in sets that are equal however
    they are numbered."""

    def bits(number: int) -> bytes:
        return sides.sets.bits[number].tobytes()

    def ranges(cls: int) -> object:
        return side.reach.refinements.ranges(cls) if cls >= 0 else ()

    def lines(found: tuple[OutsideLine, ...]) -> object:
        rows = ((ranges(a), ranges(b), bits(may), bits(must)) for a, b, may, must in found)
        return sorted(rows, key=str)

    return (
        {pair: (bits(may), bits(must)) for pair, (may, must) in side.pairs.items()},
        {way: lines(found) for way, found in side.ways.items()},
        {key: lines(found) for key, found in side.through.items()},
        side.uneven,
    )
