"""The axis of time: the moment at which a file with windows is judged (`fabric.file.in_force`).

What is in force decides what is built: worlds are read anew at another moment, never moved there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.worlds.world_axis import AxisOption, FileAxis, WorldAxis

if TYPE_CHECKING:
    from fabric.diagnostics import Diagnostic
    from fabric.file.spec import FabricSpec
    from sim.worlds.world import World


def _spoken(text: str) -> str:
    from fabric.file.in_force import spoken

    return spoken(text)


def _of(world: World) -> tuple[str, ...]:
    from fabric.values.instants import told

    judged = world.network.spec and world.network.spec.judged_at
    return (told(judged.moment),) if judged else ()


def _refused(world: World, moments: tuple[str, ...]) -> World:
    from fabric.diagnostics import Diagnostic, InputError

    what = "what is built at another moment is read anew: no world is moved there"
    raise InputError(Diagnostic("C855", what, None, "cloison.world(…, time=…) does so"))


def _at(spec: FabricSpec, moments: tuple[str, ...]) -> tuple[FabricSpec, tuple[Diagnostic, ...]]:
    """The last moment counts. Raises `InputError`, also for what is wrong with what is left."""
    from fabric.checks import check
    from fabric.file.in_force import at_moment, moment_in, said

    if spec.judged_at is not None and not moments:
        return spec, (said(spec.judged_at),)
    moment = moment_in(spec, moments[-1] if moments else None)
    if moment is None:
        return spec, ()
    there = at_moment(spec, moment)
    check(there)
    return there, (said(there.judged_at),)


def _whole(spec: FabricSpec) -> FabricSpec:
    from fabric.file.in_force import whole_of

    return whole_of(spec)


TIME = WorldAxis(
    name="time",
    word="at",
    option=AxisOption(
        "--at",
        "TIME",
        "Judge this moment, e.g. 2027-01-31T00:00:00Z, or now [default: what the file says].",
        means="the moment for which is asked",
        repeatable=False,
        spoken=_spoken,
        offers=None,
    ),
    read=lambda world, text: _spoken(text),
    values=_of,
    move=_refused,
    sorts={},
    exempt=lambda world, moment: (),
    of_network=False,
    file=FileAxis(_at, _whole),
    recorded=True,
    said=None,
    shared_out=False,
)
