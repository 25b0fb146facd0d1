"""Suggestions for expectations that fail: every edit is tried on the files themselves.

The input after edits is a fabric file that extends the one that was given, with a `patch:`, which
stands beside it in no file: what is suggested is what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from cloison.loading.how import How
from cloison.views.world import World
from fabric.diagnostics import Diagnostic, InputError
from sim.diff.suggested.file_edits import FileEdit, extending
from sim.diff.suggested.search import Suggested, suggested
from sim.proof.expectations.expect import Outcome
from sim.proof.prove import prove


def suggestions(
    fabric: Path, how: How, tell: Callable[[str], None]
) -> tuple[World, list[Suggested]]:
    """The world, and for each expectation that fails in it what was found."""
    world, found, _ = mended(fabric, how, tell, together=False)
    return world, found


def mended(
    fabric: Path, how: How, tell: Callable[[str], None], *, together: bool = True
) -> tuple[World, list[Suggested], list[FileEdit]]:
    """The same, and edits of the best suggestion for each that changes nothing else; if `together`
    each expectation is judged, and mended, in the world of the edits before."""
    world = World.of_fabric(fabric, how)
    found, done, now = list[Suggested](), list[FileEdit](), world
    wrong = [outcome.claim for outcome, said in _judged(world) if "fails" in said]
    for claim in wrong:
        standing, verdict = next(s for o, s in _judged(now) if o.claim.number == claim.number)
        if standing == "fails":
            read = partial(_after, fabric, how, tuple(done))
            one = suggested(now, claim.number, read, tell)
            best = next((each for each in one.found if not each.beside), None)
            if best is not None and together:
                now = read(best.edits)
                done += best.edits
            found.append(one)
        elif verdict == "fails":
            found.append(Suggested(claim, (), 0, False, under_failure=True))
    return world, found, done


def _judged(world: World) -> Iterator[tuple[Outcome, tuple[str, str]]]:
    """Every expectation, as things are and in all that it says."""
    proof = prove(world)
    said = zip(proof.standing(), proof.verdicts(), strict=True)
    return zip(proof.outcomes, said, strict=True)


def _after(fabric: Path, how: How, done: Sequence[FileEdit], more: Sequence[FileEdit]) -> World:
    return edited(fabric, how, (*done, *more))


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
