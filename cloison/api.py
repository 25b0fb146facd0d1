"""What `import cloison` offers: one function per question.

A *source* is the path of a fabric file or of a directory of Kubernetes manifests, a spec (`load`),
or a world (`build`). `down` names nodes
and links that have failed. Wrong input raises `InputError`, which lists everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cloison.compiled import Compiled
from cloison.differences import rows
from cloison.explained import Explained
from cloison.proved import Proved
from cloison.report import Simulation
from cloison.simulation import run
from cloison.table import Table
from cloison.world import World
from compiler import target as targets
from fabric.load import load_fabric
from fabric.spec import FabricSpec
from sim.access import asked
from sim.diff import diff as diff_worlds
from sim.explain import explain as explain_flow
from sim.prove import prove as prove_network
from sim.reachability import reachability

Source = str | Path | FabricSpec | World
CHANGES = ("change", "source", "destination", "ports", "because", "pairs", "packet")


def load(path: str | Path) -> FabricSpec:
    """Read and check a fabric file."""
    return load_fabric(Path(path))


def build(source: Source, *, down: Iterable[str] = (), locked: bool = False) -> World:
    """Place endpoints, allocate addresses, converge the control plane; `locked` refuses to draw
    what the lock file does not have."""
    return World.of(source, down, locked=locked)


def compile(source: Source, *, target: str = targets.DEFAULT, down: Iterable[str] = ()) -> Compiled:
    """The tables that every enforcement point holds, against what a target can hold."""
    return Compiled(World.of(source, down).program, targets.load(target))


def simulate(
    source: Source, *, target: str = targets.DEFAULT, down: Iterable[str] = ()
) -> Simulation:
    """Build, converge, compile, replay traffic, prove.

    Every pair is replayed on every interesting port; where that is too much, random flows.
    """
    return run(lambda: World.of(source, down), target=target)


def prove(source: Source, *, down: Iterable[str] = ()) -> Proved:
    """Isolation and every expectation, for all packets of both IP versions."""
    world = World.of(source, down)
    return Proved(prove_network(world.network, world.program))


def explain(source: Source, src: str, dst: str, *, down: Iterable[str] = ()) -> Explained:
    """Why the flow from `src` to `dst` (`name:port/protocol`) is allowed or denied."""
    world = World.of(source, down)
    return Explained(explain_flow(world.network, world.program, src, dst))


def reach(
    source: Source, *, to: str | None = None, from_: str | None = None, down: Iterable[str] = ()
) -> Table:
    """Who reaches whom, on which ports and because of what; narrowed by `to` (`name[:port]`) and
    `from_` (`name`), both patterns or addresses."""
    world = World.of(source, down)
    found = asked(lambda: reachability(world.network, world.program), world.network, from_, to)
    rows = tuple(row.row() for row in found)
    return Table(rows, "Reach", ("source", "destination", "ports", "pairs"))


def diff(old: Source, new: Source) -> Table:
    """What gains or loses access from `old` to `new`; what is not listed is equal in both."""
    before, after = World.of(old), World.of(new)
    found = diff_worlds((before.network, before.program), (after.network, after.program))
    return Table(tuple(rows(found)), "Changes", CHANGES)
