"""What a verb says on stderr beside its answer: findings, doubts, and that kernels are compiled."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from cloison.render.colour import colour_wanted

if TYPE_CHECKING:
    from cloison.views.world import World
    from fabric.diagnostics import Diagnostic


def told(world: World) -> World:
    """A world about which a question is asked: it is answered, and findings stand beside it."""
    tell_findings(world)
    return world


def tell_findings(world: World) -> None:
    """Findings that need no packet, on stderr, for verbs whose result has no place for them; and
    what is doubtful."""
    from cloison.render.diagnostics import render

    if world.findings:
        click.echo(render(world.findings, colour=colour_wanted(sys.stderr)), err=True)
    tell_warnings(world.network.warnings)


def tell_warnings(found: Sequence[Diagnostic]) -> None:
    """What is doubtful, on stderr: the first of each code, and how many more there are; `check` and
    JSON have all of them, with lines and hints."""
    from cloison.render.formats import visible

    count = Counter(warning.code for warning in found)
    first = {warning.code: warning for warning in reversed(found)}
    for code, warning in sorted(first.items()):
        more = f" (and {count[code] - 1:,} more: see cloison check)" if count[code] > 1 else ""
        click.echo(visible(f"{replace(warning, hint=None)}{more}"), err=True)


def announce_kernels() -> None:
    """Say so on stderr when this run has to compile the simulator's kernels first."""
    from sim.kernels import compiled

    if not compiled():
        click.echo("compiling the simulator's kernels, once per machine; up to a minute", err=True)
