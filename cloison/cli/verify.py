"""`cloison verify`: the proof alone, with a certificate that others can check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.errors import FINDING
from cloison.cli.options import output_option, quiet_option, world_options

if TYPE_CHECKING:
    from cloison.how import How
    from sim.prove import Proof


@click.command()
@click.argument("fabric", type=click.Path(path_type=Path), required=False)
@world_options
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
    help="Check a certificate instead; with FABRIC, also against that fabric.",
)
@output_option("table", "json")
@quiet_option
def command(
    fabric: Path | None,
    how: How,
    certificate: Path | None,
    checked: Path | None,
    output: str,
    quiet: bool,
) -> None:
    """Prove isolation and every `expect:` line of FABRIC for all packets.

    Every finding comes with a packet that shows it and the line to blame.
    Exit code 0 when everything holds, 1 when not.

    A certificate holds the regions of the whole packet space with their
    verdicts. --check-certificate reads one with code that shares nothing with
    what wrote it; with FABRIC it also compares the inputs and sends packets of
    all regions through the fabric's routes and tables.
    """
    from cloison.render import progress

    if checked is not None:
        if certificate is not None or how.down:
            raise click.UsageError("a certificate is checked as it is: it says what was down")
        with progress(quiet=quiet) as tell:
            tell(f"checking {checked}")
            holds = check_certificate(checked, fabric, output)
    elif fabric is None:
        raise click.UsageError("name a FABRIC, or a certificate with --check-certificate FILE")
    else:
        with progress(quiet=quiet) as tell:
            proof, written = proven(fabric, how, certificate, tell)
        show(proof, how.down, written, output)
        if certificate is not None:
            click.echo(f"certificate in {certificate}", err=True)
        holds = proof.holds
    if not holds:
        raise click.exceptions.Exit(FINDING)


def proven(fabric: Path, how: How, certificate: Path | None, tell: Any) -> tuple[Proof, Any]:
    """The proof, and its certificate where one is wanted, which is written."""
    from cloison.files import write_text
    from cloison.world import World
    from fabric.inputs import input_files
    from sim.prove import prove

    tell("build and converge")
    world = World.of_fabric(fabric, how)
    tell("compile")
    proof = prove(world.network, world.program, tell=lambda what: tell(f"prove: {what}"))
    if certificate is None:
        return proof, None
    from sim.certificate import certificate as write_down

    tell("writing the certificate")
    written = write_down(proof, input_files(world.network.spec), how.down)
    write_text(certificate, json.dumps(written, separators=(",", ":")) + "\n")
    return proof, written


def show(proof: Proof, down: tuple[str, ...], certificate: Any, output: str) -> None:
    """The proof on stdout."""
    from cloison import render, verified

    if output == "json":
        click.echo(render.json_text(verified.document(proof, down, certificate)))
    else:
        render.show(*verified.report(proof))


def check_certificate(path: Path, fabric: Path | None, output: str) -> bool:
    """Whether a certificate is valid; the answer goes to stdout."""
    from cloison import render, verified

    found = verified.check(verified.read_certificate(path), fabric)
    if output == "json":
        click.echo(render.json_text(found))
    else:
        render.show(*verified.checked(found))
    return bool(found["holds"])
