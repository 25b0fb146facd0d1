"""Proofs as they are asked for: of a world, or of a file with windows at all times; with what
others can check, written down. `cloison verify` and Python have theirs from here.

Rules that hold here:

1. At all times is: in each set of periods in which the same is in force, once
   (`cloison.verbs.over_time`). One proof is held at a time; what of it is shown is taken at once.
2. A certificate is written where everything that was asked was tried, whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloison.loading.how import How
from cloison.render.files import apart, writing
from cloison.verbs.over_time import same_rules, told_when
from cloison.views.times.verified_times import ProvedTimes, VerifiedPeriods, taken, verdict_of
from cloison.views.verification.certificate_files import write_certificate
from cloison.views.world import World
from fabric.building.inputs import input_files
from fabric.diagnostics import Diagnostic
from sim.proof.certificates.certificate import certificate as write_down
from sim.proof.certificates.certificate_of_times import Whole
from sim.proof.prove import Proof, prove
from sim.sweep.runner import SERIAL, Runner

if TYPE_CHECKING:
    from fabric.file.spec import FabricSpec

Tell = Callable[[str], None]
OF_A_MOMENT = "C217"
"""What a world says that was judged at one moment of several."""


def silent(_: str) -> None:
    """Nobody hears what is being done."""


def proved(
    world: World, runner: Runner = SERIAL, certificate: Path | None = None, tell: Tell = silent
) -> tuple[Proof, Any]:
    """The proof of a world, and its certificate where one is wanted and everything asked was tried:
    then it is written. Raises `InputError`."""
    if certificate is not None:
        apart(certificate, input_files(world.network.spec))
    tell("compile")

    def make() -> Proof:
        return prove(world, tell=lambda what: tell(f"prove: {what}"), runner=runner)

    if certificate is None:
        return world.part("proof", make), None
    proof = make()
    return proof, write_certificate(proof, certificate, tell)


def proved_at_all_times(
    fabric: Path,
    whole: FabricSpec,
    how: How,
    runner: Runner = SERIAL,
    certificate: Path | None = None,
    tell: Tell = silent,
) -> ProvedTimes:
    """Everything in every period of a file, which is `whole`. Raises `InputError`."""
    found: list[VerifiedPeriods] = []
    warnings: list[Diagnostic] = []
    untried: tuple[str, ...] = ()
    every = same_rules(how, whole)
    if certificate is not None:
        apart(certificate, input_files(whole))
    with ExitStack() as stack:
        written = Whole(whole) if certificate else None
        for number, part in enumerate(every, 1):
            tell(f"{number} of {len(every)}: {part.times}")
            with told_when(part):
                world = World.of_fabric(fabric, part.how)
            proof = prove(world, tell=lambda what: tell(f"prove: {what}"), runner=runner)
            warnings += [w for w in world.network.warnings if w.code != OF_A_MOMENT]
            made = None
            if written is not None and not proof.untried:
                made = write_down(proof, input_files(world.network.spec))
                written.add(made)
            untried = untried or tuple(proof.untried)
            found.append(taken(proof, part.periods, str(fabric), certificate=made))
        if written is not None and certificate is not None and not untried:
            file = stack.enter_context(writing(certificate))
            file.writelines(written.pieces(verdict_of(found)))
    digest = written.digest if written is not None and not untried else None
    told = tuple(dict.fromkeys(warnings))
    return ProvedTimes(whole.name, str(fabric), tuple(found), told, untried, digest)
