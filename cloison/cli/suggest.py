"""`cloison suggest`: the smallest edits that make failing expectations hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.errors import FINDING
from cloison.cli.options import fabric_argument, quiet_option, whole_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@fabric_argument
@world_options
@click.option("--most", type=click.IntRange(1, 50), default=3, show_default=True, metavar="N",
              help="Suggestions that are shown for each expectation.")  # fmt: skip
@whole_option(more=lambda: ("patch",))
@quiet_option
def command(fabric: Path, how: How, most: int, output: str, quiet: bool) -> None:
    """Suggest edits that make the failing expectations of FABRIC hold.

    For a packet that gets through: less of what permits it, or a rule against
    it; for one that does not: more of what nearly permits it, a rule, a route.
    Each is tried on the files themselves, proven and compared: it makes the
    expectation hold, breaks none that held, and is told with everything else
    that it changes. What changes nothing else comes first. Each comes as a
    fabric file that extends FABRIC; write it beside FABRIC and check it, or
    make the edit by hand. -o patch prints what makes all of them hold and
    changes nothing else as one patch of FABRIC and its manifests, which keeps
    their comments: `git apply` and `patch -p1` take it.

    Exit code 1 when some expectation fails for which nothing was found that
    changes nothing else.
    """
    from cloison.cli.check import tell_findings
    from cloison.render.formats import progress, say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.verbs.suggesting import mended, refuse_stdin, suggestions
    from cloison.views import suggested as view
    from fabric.io.visible import visible

    refuse_stdin(fabric)
    with progress(quiet=quiet) as tell:
        tell("build and converge")
        if output == "patch":
            world, found, edits = mended(fabric, how, tell)
        else:
            world, found = suggestions(fabric, how, tell)

    def text() -> str:
        return "".join(f"{visible(line)}\n" for line in view.report(fabric, world, found, most))

    if output == "patch":
        say(view.patched(fabric, world, edits))
        click.echo("".join(f"{visible(line)}\n" for line in view.left(found)), nl=False, err=True)
    else:
        say(whole(WholeAnswer(lambda: view.document(fabric, world, found), text), output))
    tell_findings(world)
    if any(not any(not each.beside for each in one.found) for one in found):
        raise click.exceptions.Exit(FINDING)
