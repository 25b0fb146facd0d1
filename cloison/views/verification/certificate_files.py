"""Proofs written down, into files that others can check without trusting who wrote them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloison.render.files import apart, writing
from fabric.building.inputs import input_files
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.proof.certificates.certificate import certificate
from sim.proof.certificates.certificate_text import pieces
from sim.proof.prove import Proof
from sim.worlds.axes import axes
from sim.worlds.world import World
from sim.worlds.world_axis import WorldAxis


def refuse_unrecorded(world: World) -> None:
    """Nothing, unless a world is elsewhere on an axis of which certificates do not tell: whoever
    reads one would take it for the world as it is. Then `UndecidedError`."""
    others = [axis.option.name for axis in axes() if not axis.recorded and _is_along(world, axis)]
    if others:
        what = f"certificates do not say {' and '.join(others)}"
        raise UndecidedError(Diagnostic("C899", what, None, "prove it without", "unknown"))


def _is_along(world: World, axis: WorldAxis) -> bool:
    """Whether a world was moved along an axis, or read elsewhere on it."""
    read = axis.of_network or axis.file is not None
    return axis.name in world.at or (read and bool(axis.values(world)))


def write_certificate(proof: Proof, path: Path, tell: Callable[[str], None]) -> Any:
    """The certificate of a proof, which is written; None, and no file, where not everything that
    was asked was tried. Raises `InputError` for a file that is an input, or a world of which
    certificates do not tell."""
    inputs = input_files(proof.network.spec)
    apart(path, inputs)
    refuse_unrecorded(proof.reach.world)
    if proof.untried:
        return None
    tell("writing the certificate")
    made = certificate(proof, inputs)
    with writing(path) as file:
        file.writelines(pieces(made))
        file.write(b"\n")
    return made
