"""`cloison warmup`: compile the simulator's kernels before anyone waits for them."""

from __future__ import annotations

import sys

import click

from cloison.cli.shell.options import quiet_option


@click.command()
@quiet_option
def command(quiet: bool) -> None:
    """Compile every kernel once, so that no other command has to.

    Two or three minutes the first time, seconds when all are there. Kernels are kept
    below $XDG_CACHE_HOME (or ~/.cache), per version of cloison: good in an
    image build, or before anything is timed.
    """
    from cloison.render.formats import progress
    from sim.pipeline.warm import warm

    if not quiet and not sys.stderr.isatty():
        click.echo("compiling what is missing; two or three minutes", err=True)
    with progress(quiet=quiet) as tell:
        done = warm(lambda name, at, total: tell(f"compile: {name}", at, total))
    took = f"{done.seconds:.1f} s"
    if done.compiled == 0:
        click.echo(f"all {done.cached} kernels were compiled already; looked for {took}")
    else:
        click.echo(f"compiled {done.compiled} of {done.cached} kernels in {took}")
    click.echo(f"they are in {done.place}")
