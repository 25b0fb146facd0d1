"""World axes: in what ways one world differs from the next. One file each, and one row here.

Kinds of `hold_under` are part of the file format (`fabric.file.expect.held_under`); each names its
axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from fabric.values.rows import Rows
from sim.worlds.drained_nodes import DRAINED
from sim.worlds.failed_parts import DOWN
from sim.worlds.judged_moment import TIME
from sim.worlds.world_axis import Sweep, WorldAxis

if TYPE_CHECKING:
    from fabric.file.expect.held_under import HeldUnder
    from sim.worlds.world import World

W = TypeVar("W", bound="World")
AXES: Rows[WorldAxis] = Rows(TIME, DOWN, DRAINED)
"""Every axis, in the order in which commands list their options."""


def axes() -> tuple[WorldAxis, ...]:
    """Every axis there is."""
    return tuple(AXES.values())


@contextmanager
def one_more(axis: WorldAxis, *words: HeldUnder) -> Iterator[None]:
    """Another axis, for as long as the block lasts, and words of `hold_under` that count on it."""
    from fabric.file.expect.held_under import KINDS

    with AXES.also(axis), KINDS.also(*words):
        yield


def axis_of(name: str) -> WorldAxis:
    """The axis of that name. Raises `InputError`."""
    known = {axis.name: axis for axis in axes()}
    if name not in known:
        from fabric.diagnostics import Diagnostic, InputError, did_you_mean

        hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
        raise InputError(Diagnostic("C850", f'worlds have no axis "{name}"', None, hint))
    return known[name]


def sweep(kind: str) -> tuple[WorldAxis, Sweep]:
    """The axis that a kind of `hold_under` is about, and the values that it means."""
    from fabric.file.expect.held_under import KINDS

    said = KINDS[kind]
    return AXES[said.axis], Sweep(AXES[said.axis].sorts[said.each], said.most)


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
