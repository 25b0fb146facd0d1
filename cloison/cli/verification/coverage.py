"""`cloison coverage`: which lines of the input some expectation would notice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.errors import FINDING
from cloison.cli.shell.options import fabric_argument, quiet_option, whole_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@fabric_argument
@world_options
@click.option(
    "--no-offers",
    is_flag=True,
    help="Do not look for expectations that would notice, nor for lines that change nothing.",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with 1 where fewer lines are covered.",
)
@click.option(
    "--flows",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="What this capture or flow log used counts as covered, too.",
)
@click.option(
    "--lcov",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write an LCOV tracefile, for editors and CI.",
)
@whole_option()
@quiet_option
def command(
    fabric: Path,
    how: How,
    no_offers: bool,
    fail_under: float | None,
    flows: tuple[Path, ...],
    lcov: Path | None,
    output: str,
    quiet: bool,
) -> None:
    """Which lines of FABRIC and its manifests some expectation would notice.

    Each rule, leak, peering and isolation by a policy is taken out once, and
    once made to say all of its kind (everybody, all ports): it is covered when
    an expectation that holds fails then. For what nobody notices an `expect:`
    line is offered that would, tried in both worlds; what no packet notices
    (what is said twice, what is shadowed) is told apart and not counted.

    With --flows FILE (a capture, Hubble's flows or a flow log as lines of
    JSON) a line is covered as well that packets of these met, and it is told
    which entries, endpoints and reasons for drops neither they nor any packet
    of which an expectation speaks ever met.

    Cost: a proof of the VRFs concerned for each of them; --no-offers saves the
    comparison of worlds.
    """
    from cloison.cli.shell.said_beside import tell_findings
    from cloison.render.files import apart, write_text
    from cloison.render.formats import progress, say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.verbs.covering import covered
    from cloison.views.world import World
    from fabric.building.inputs import input_files

    with progress(quiet=quiet) as tell:
        tell("build and converge")
        world = World.of_fabric(fabric, how)
        if lcov is not None:
            apart(lcov, input_files(world.network.spec))
        found = covered(world, offers=not no_offers, flows=flows, tell=tell)
    if lcov is not None:
        write_text(lcov, found.lcov())
    say(whole(WholeAnswer(found.document, found.text), output))
    tell_findings(world)
    if fail_under is not None and 100 * found.share < fail_under:
        raise click.exceptions.Exit(FINDING)
