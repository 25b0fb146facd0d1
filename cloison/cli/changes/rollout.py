"""`cloison rollout`: whether a change is safe at every moment, whatever device takes it first."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.errors import leave
from cloison.cli.shell.options import quiet_option, whole_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path), required=False)
@click.option(
    "--in-steps", is_flag=True, help="An order in steps is enough: exit with 0 where one is safe."
)
@world_options
@whole_option()
@quiet_option
def command(
    old: Path, new: Path | None, in_steps: bool, how: How, output: str, quiet: bool
) -> None:
    """Whether every order in which devices take the change from OLD to NEW is safe.

    Both are fabric files, or revisions of one as for cloison diff: A..B -- FILE.
    Devices do not change at once. A packet that both versions deliver must
    arrive in every mixture of them, one that neither delivers in none: then what
    holds in both, expectations and isolation too, holds at every moment. All packets
    and all mixtures are decided: what becomes of a packet hangs on few devices. Where
    some must not be apart, they are told with a packet, and steps that are safe:
    within a step devices go in any order, between two all wait.

    Both versions must have the same nodes, cables, VRFs and endpoints. Exit code 1
    when not every order is safe (with --in-steps: when none was found), 4 when that is
    unknown: something is not evaluated, or devices announce or take over other routes, which
    while versions differ is not followed.
    """
    from cloison.cli.shell.said_beside import tell_findings
    from cloison.loading.loader import is_fabric
    from cloison.loading.revisions import laid_out
    from cloison.render.formats import progress, say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.verbs.over_time import refuse_one_moment
    from cloison.verbs.rolling_out import rolled_out
    from cloison.views.world import World
    from fabric.io.reading import there

    if new is None:
        raise click.UsageError("Missing argument 'NEW'.")
    with ExitStack() as stack:
        old, new = stack.enter_context(
            laid_out(old, new, lambda words: click.echo(words, err=True))
        )
        if any(there(path) and not is_fabric(path) for path in (old, new)):
            raise click.UsageError("a rollout is of two fabric files: others have no devices")
        tell = stack.enter_context(progress(quiet=quiet))

        def make(path: Path) -> World:
            tell(f"build {path}")
            return World.read([path], how)

        worlds = make(old), make(new)
        refuse_one_moment(worlds, how)
        found = rolled_out(*worlds, tell)
    say(whole(WholeAnswer(found.document, found.text), output))
    for world in worlds:
        tell_findings(world)
    leave("holds" if in_steps and found.ordered else found.verdict)
