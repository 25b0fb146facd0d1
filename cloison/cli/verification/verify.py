"""`cloison verify`: the proof alone, with a certificate that others can check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.shell.annotate import Audience, audience_options, for_ci
from cloison.cli.shell.errors import leave
from cloison.cli.shell.options import (
    quiet_option,
    spelt,
    sweep_options,
    unrecorded,
    whole_option,
    world_options,
)

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.render.ci.annotation import Report
    from cloison.verbs.said_before import Said
    from cloison.views.times.verified_times import ProvedTimes
    from cloison.views.world import World
    from sim.proof.prove import Proof
    from sim.sweep.runner import Runner


@click.command()
@click.argument("fabric", type=click.Path(path_type=Path), required=False)
@world_options
@sweep_options
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the proof down, for others to check.",
)
@click.option(
    "--check-certificate",
    "checked",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Check a certificate instead: by itself, or against FABRIC.",
)
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    metavar="REV|FILE",
    help="Judge what FABRIC expected there, too: a change takes nothing back.",
)
@click.option(
    "--by", type=click.Choice(["requirement"]), help="Expectations by what they are to prove."
)
@audience_options
@whole_option(markdown=True, more=for_ci)
@quiet_option
def command(
    fabric: Path | None,
    how: How,
    runner: Runner,
    certificate: Path | None,
    checked: Path | None,
    base: Path | None,
    by: str | None,
    audience: Audience,
    quiet: bool,
) -> None:
    """Prove isolation and every `expect:` line of FABRIC for all packets.

    Every finding comes with a packet that shows it and the line to blame.
    Exit code 0 when everything holds, 1 when not, 4 when that is unknown:
    something that touches it is not evaluated, or nothing is expected.

    A file with windows is proven at all times that it speaks of, each finding with
    when it is true; with --at at one moment.

    With --base the lines of FABRIC at a revision (or in another file) are judged as
    well: a change that takes an expectation back is still asked for it.

    A certificate holds the regions of the whole packet space with their
    verdicts. --check-certificate says whether one is consistent, which shows by
    itself; with FABRIC, whether it is valid: everything in it is computed again
    from the fabric, by code that shares nothing with what wrote it. Exit code 0
    when it is and says that everything holds.
    """
    from cloison.cli.shell.said_beside import tell_warnings
    from cloison.render.formats import progress
    from cloison.render.whole import refuse
    from cloison.verbs import said_before

    if base is not None and (certificate is not None or checked is not None):
        raise click.UsageError("certificates are of the lines of one file: leave out --base")
    if by is not None:
        if checked is not None or audience.is_ci:
            raise click.UsageError("--by is for a proof, and no output for CI")
        refuse(audience.output, markdown=False)
    if checked is not None:
        if certificate is not None or how.on:
            raise click.UsageError(
                "a certificate is checked as it is: it says what was down, and when"
            )
        if audience.is_ci or audience.summary is not None:
            raise click.UsageError("the check of a certificate has no output for CI")
        refuse(audience.output, markdown=False)
        with progress(quiet=quiet) as tell:
            tell(f"checking {checked}")
            verdict = check_certificate(checked, fabric, how, audience.output)
    elif certificate is not None and (others := unrecorded(how)):
        raise click.UsageError(f"certificates do not say {spelt(others)}: write it without")
    elif fabric is None:
        raise click.UsageError("name a FABRIC, or a certificate with --check-certificate FILE")
    else:
        with ExitStack() as stack:
            stack.enter_context(audience.wrong("verify", str(fabric)))
            how = replace(how, base=stack.enter_context(before(base, fabric, audience)))
            tell = stack.enter_context(progress(quiet=quiet))
            plain = certificate is None and by is None and audience.summary is None
            if plain and (known := said_before.before(fabric, how, audience.output)) is not None:
                tell_again(known, audience)
                return
            from cloison.verbs.proving import proved, proved_at_all_times

            world, whole = read(fabric, how, tell)
            if world is None:
                if by is not None:
                    raise click.UsageError("--by is for one moment: --at TIME or --at now")
                found = proved_at_all_times(fabric, whole, how, runner, certificate, tell)
                leave(show_times(found, certificate, audience))
                return
            proof, written = proved(world, runner, certificate, tell)
        show(proof, written, audience, str(fabric), by)
        if plain:
            said_before.keep(world, proof, how, audience.output)
        if not audience.is_ci:
            tell_warnings(proof.network.warnings)
        if certificate is not None and audience.speaks:
            said = (
                f"certificate in {certificate}"
                if written
                else unwritten(proof.untried, certificate)
            )
            click.echo(said, err=True)
        verdict = str(proof.verdict)
    leave(verdict)


@contextmanager
def before(base: Path | None, fabric: Path, audience: Audience) -> Iterator[Path | None]:
    """The file as it was before, which can be read inside the block."""
    from cloison.loading.revisions import laid_out

    if base is None:
        yield None
        return

    def tell_moves(words: str) -> None:
        if audience.speaks:
            click.echo(words, err=True)

    with laid_out(base, fabric, tell_moves) as (old, _):
        yield old


def read(fabric: Path, how: How, tell: Any) -> tuple[World | None, Any]:
    """The world that is to be proven, or the file that is to be proven at all times."""
    from cloison.verbs.over_time import world_or_file
    from cloison.views.world import World

    tell("build and converge")
    return world_or_file(partial(World.of_fabric, fabric), fabric, how)


def tell_again(known: Said, audience: Audience) -> None:
    """The answer of before, as it was."""
    from cloison.cli.shell.said_beside import tell_warnings
    from cloison.render.formats import lined, say
    from cloison.render.whole import WholeAnswer, whole

    answer = WholeAnswer(lambda: known.document, lambda: lined(*known.things))
    say(whole(answer, audience.output))
    tell_warnings(known.warnings)
    leave(known.verdict)


def show_times(found: ProvedTimes, certificate: Path | None, audience: Audience) -> str:
    """What holds when; the worst verdict."""
    from cloison.cli.shell.said_beside import tell_warnings
    from cloison.render.formats import lined

    audience.answer(found.document, lambda: lined(*found.report()), found.annotated)
    audience.tell(found.annotated)
    if not audience.is_ci:
        tell_warnings([*found.warnings])
    if certificate is not None and audience.speaks:
        told = f"certificates in {certificate}"
        click.echo(unwritten(found.untried, certificate) if found.untried else told, err=True)
    return str(found.verdict)


def unwritten(untried: Iterable[str], certificate: Path) -> str:
    """Why there is no certificate."""
    kinds = ", ".join(untried)
    return f"no certificate in {certificate}: it says what becomes of {kinds}, not tried [C694]"


def show(
    proof: Proof,
    certificate: Any,
    audience: Audience,
    subject: str,
    by: str | None,
) -> None:
    """The proof on stdout."""
    from cloison.render.formats import lined
    from cloison.views import annotated
    from cloison.views.verification import verified

    def report() -> Report:
        return annotated.of_proof(proof, subject)

    audience.answer(
        lambda: verified.document(proof, certificate, by),
        lambda: lined(*verified.report(proof, by)),
        report,
    )
    audience.tell(report)


def check_certificate(path: Path, fabric: Path | None, how: How, output: str) -> str:
    """The verdict of a certificate that is consistent, with a fabric valid; fails where it is not.
    The answer goes to stdout."""
    from cloison.cli.shell.said_beside import tell_warnings
    from cloison.render.formats import lined, say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.views.verification import verified

    found, warnings = verified.check(verified.read_certificate(path), fabric, how)
    say(whole(WholeAnswer(lambda: found, lambda: lined(*verified.checked(found))), output))
    tell_warnings(warnings)
    return "fails" if found["problems"] else str(found["verdict"])
