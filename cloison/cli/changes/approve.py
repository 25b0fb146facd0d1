"""`cloison approve`: write down what a change gains and loses, for `diff --approved` to accept."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.options import manifest_options, quiet_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--reason", required=True, metavar="TEXT", help="Why the change is right.")
@click.option("--approved-by", "by", required=True, metavar="NAME", help="Who says so.")
@click.option(
    "--expires", required=True, metavar="TIME", help="When it ends, e.g. 2027-01-31T00:00:00Z."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The file that the approval is added to.",
)
@manifest_options
@world_options
@quiet_option
def command(
    old: Path, new: Path, reason: str, by: str, expires: str, out: Path, how: How, quiet: bool
) -> None:
    """Approve what differs from OLD to NEW, which are what they are for `diff`.

    What is written is who gains and loses access: addresses by their owner and VRF, ports and IP
    version; and other differences by their words. Only that is accepted by `diff
    --approved`: one address, port or tenant more is not. Read it before it is
    merged, and let owners review the file: whoever writes it approves. What is
    unknown cannot be approved (exit code 4).
    """
    from cloison.loading.approvals import read_approvals, written
    from cloison.loading.revisions import laid_out
    from cloison.render.files import write_text
    from cloison.render.formats import progress, visible
    from cloison.verbs.over_time import refuse_approval
    from cloison.verbs.pair import both
    from cloison.views.changes.approved import approve, sentence
    from cloison.views.world import World
    from fabric.io.reading import there
    from sim.diff.diff import diff

    if not reason.strip() or not by.strip():
        raise click.UsageError("an approval has a reason and a name")
    until = moment_of(expires)
    with ExitStack() as stack:
        old, new = stack.enter_context(laid_out(old, new, partial(click.echo, err=True)))
        tell = stack.enter_context(progress(quiet=quiet))

        def make(path: Path, how: How) -> World:
            tell(f"build {path}")
            return World.read([path], how)

        worlds = both([partial(make, path) for path in (old, new)], how)
        refuse_approval(worlds)
        found = diff(*worlds)
    made = approve(found, reason, by, until)
    before = read_approvals(out) if there(out) else ()
    if made.access or made.other:
        write_text(out, written([*before, made]))
    for line in (*map(sentence, made.access), *made.other):
        click.echo(visible(line))
    count = len(made.access) + len(made.other)
    click.echo(f"{count:,} approved in {visible(str(out))}" if count else "nothing to approve")


def moment_of(text: str | None) -> datetime:
    """The moment that an option says; now, where it says none."""
    from cloison.loading.approvals import moment

    if text is None:
        return datetime.now(UTC)
    try:
        return moment(text)
    except ValueError:
        what = f'"{text}" is no moment: write it like 2027-01-31T00:00:00Z'
        raise click.UsageError(what) from None
