"""World axes: in what ways one world differs from the next. One row each.

An axis is no field of a packet: packets of all axes are alike, and what differs is what exists or
what is allowed. A row says how a value is read, what of it a world has already, how the world with
other values is made (sharing whatever is equal), which values an expectation means that must hold
under all of them (`hold_under`), and which endpoints nobody expects to answer then.

Kinds of `hold_under` are part of the file format (`fabric.file.spec`); a kind has one axis, and an
axis whose kinds the format lacks can be asked for from Python only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb
from typing import TypeVar

from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.wiring.topology import Role
from sim.worlds.world import World

W = TypeVar("W", bound=World)


@dataclass(frozen=True, slots=True)
class Sweep:
    """The values that a kind of `hold_under` means: each of `single`, and every set of them up to
    `most` at once, smaller ones first."""

    single: Callable[[World], Sequence[str]]
    most: int

    def values(self, world: World) -> Iterator[tuple[str, ...]]:
        """Every set of values."""
        single = self.single(world)
        return chain.from_iterable(combinations(single, n + 1) for n in range(self.most))

    def count(self, world: World) -> int:
        """How many sets there are."""
        single = len(self.single(world))
        return sum(comb(single, n + 1) for n in range(self.most))


@dataclass(frozen=True, slots=True)
class WorldAxis:
    """See the module. `word` stands before a value in sentences; `read` raises `InputError`; `move`
    makes the world with exactly these values on this axis, and all other axes as they are."""

    name: str
    word: str
    read: Callable[[World, str], str]
    values: Callable[[World], tuple[str, ...]]
    move: Callable[[World, tuple[str, ...]], World]
    sweeps: Mapping[str, Sweep]
    exempt: Callable[[World, str], Sequence[int]]


def links_up(world: World) -> list[str]:
    """Cables that may fail: those that are up, but for hosts'."""
    fabric = world.network.fabric
    return [
        link.name
        for link in fabric.links
        if link.kind != "host" and link.index not in fabric.down_links
    ]


def nodes_up(world: World) -> list[str]:
    """Nodes that may fail: those that speak BGP and are up."""
    fabric = world.network.fabric
    return [
        node.name
        for node in fabric.nodes
        if node.role is not Role.HOST and node.index not in fabric.down_nodes
    ]


def groups_up(world: World) -> list[str]:
    """Risk groups that may fail: those that have not."""
    fabric = world.network.fabric
    return [group.name for group in fabric.risk_groups if group.name not in fabric.down_groups]


def _read_down(world: World, text: str) -> str:
    from fabric.wiring.clos import take_down

    take_down(world.network.fabric, [text])
    return text


def _fail(world: World, names: tuple[str, ...]) -> World:
    from fabric.building.build import rebuild

    return world.over(rebuild(world.network, down=names))


def _behind(world: World, name: str) -> list[int]:
    """Tenants' endpoints on a node, or on those of a risk group: when it fails nobody expects them
    to answer. What lies behind a border is still there, and whoever needs it needs another way."""
    fabric = world.network.fabric
    gone = {n.index for n in fabric.nodes if n.name == name}
    gone = gone.union(*(g.nodes for g in fabric.risk_groups if g.name == name)) - fabric.down_nodes
    return [e.index for e in world.network.endpoints if e.vtep in gone and e.kind != "zone"]


DOWN = WorldAxis(
    "down",
    "without",
    _read_down,
    lambda world: world.network.fabric.down,
    _fail,
    {
        "any-1-link": Sweep(links_up, 1),
        "any-1-node": Sweep(nodes_up, 1),
        "any-1-risk-group": Sweep(groups_up, 1),
        "any-2-links": Sweep(links_up, 2),
    },
    _behind,
)


def standing(role: Role) -> Callable[[World], list[str]]:
    """Nodes of a role that may be drained: those that are up and are not."""

    def found(world: World) -> list[str]:
        fabric = world.network.fabric
        gone = fabric.down_nodes | fabric.drained
        return [n.name for n in fabric.nodes if n.role is role and n.index not in gone]

    return found


def _read_drained(world: World, text: str) -> str:
    from fabric.wiring.clos import drain

    drain(world.network.fabric, [text])
    return text


def _drain(world: World, names: tuple[str, ...]) -> World:
    from fabric.building.build import rebuild

    network = world.network
    return world.over(rebuild(network, down=network.fabric.down, drained=names))


DRAINED = WorldAxis(
    "drained",
    "draining",
    _read_drained,
    lambda world: world.network.fabric.draining,
    _drain,
    {
        "drain-any-leaf": Sweep(standing(Role.LEAF), 1),
        "drain-any-spine": Sweep(standing(Role.SPINE), 1),
    },
    lambda world, name: (),
)
_axes: ContextVar[tuple[WorldAxis, ...]] = ContextVar("axes", default=(DOWN, DRAINED))


def axes() -> tuple[WorldAxis, ...]:
    """Every axis there is."""
    return _axes.get()


@contextmanager
def one_more(axis: WorldAxis) -> Iterator[None]:
    """Another axis, for as long as the block lasts."""
    token = _axes.set((*axes(), axis))
    try:
        yield
    finally:
        _axes.reset(token)


def axis_of(name: str) -> WorldAxis:
    """The axis of that name. Raises `InputError`."""
    known = {axis.name: axis for axis in axes()}
    if name not in known:
        hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
        raise InputError(Diagnostic("C850", f'worlds have no axis "{name}"', None, hint))
    return known[name]


def sweep(kind: str) -> tuple[WorldAxis, Sweep]:
    """The axis that a kind of `hold_under` is about, and the values that it means."""
    found = [(axis, axis.sweeps[kind]) for axis in axes() if kind in axis.sweeps]
    assert len(found) == 1, f"{len(found)} axes have {kind}"
    return found[0]


def moved(world: W, at: Mapping[str, Sequence[str]]) -> W:
    """The world with exactly these values on the axes that are named. Raises `InputError`."""
    for name, texts in at.items():
        axis = axis_of(name)
        values = tuple(axis.read(world, text) for text in texts)
        if values != axis.values(world):
            there = axis.move(world, values)
            assert isinstance(there, type(world)), f"axis {name} makes another kind of world"
            world = there
    return world
