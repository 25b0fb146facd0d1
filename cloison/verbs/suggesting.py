"""Suggestions for expectations that fail: every edit is tried on the files themselves.

The input after edits is a fabric file that extends the one that was given, with a `patch:`, which
stands beside it in no file: what is suggested is what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cloison.loading.how import How
from cloison.views.world import World
from fabric.diagnostics import Diagnostic, InputError
from sim.diff.suggested.file_edits import FileEdit, extending
from sim.diff.suggested.search import Suggested, suggested
from sim.proof.prove import prove


def suggestions(
    fabric: Path, how: How, tell: Callable[[str], None]
) -> tuple[World, list[Suggested]]:
    """The world, and for each expectation that fails in it what was found."""
    world = World.of_fabric(fabric, how)
    proof = prove(world)
    found = []
    said = zip(proof.outcomes, proof.standing(), proof.verdicts(), strict=True)
    for outcome, standing, verdict in said:
        number = outcome.claim.number
        if standing == "fails":
            found.append(suggested(world, number, lambda edits: edited(fabric, how, edits), tell))
        elif verdict == "fails":
            found.append(Suggested(outcome.claim, (), 0, False, under_failure=True))
    return world, found


def edited(fabric: Path, how: How, edits: Sequence[FileEdit]) -> World:
    """The world of the input after edits. Raises `InputError`."""
    from cloison.loading.loader import read_fabric

    read = read_fabric(
        fabric.with_name(f"{fabric.stem}-suggested.yaml"), how, extending(fabric, edits)
    )
    return World.found(read)


def refuse_stdin(fabric: Path) -> None:
    """Nothing, unless the file comes from stdin, beside which nothing can be extended."""
    if str(fabric) in ("-", "<stdin>"):
        raise InputError(Diagnostic("C729", "edits are suggested of a file, not of stdin"))
