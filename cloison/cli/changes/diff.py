"""`cloison diff`: what gains or loses access between two worlds."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.shell.annotate import Audience, audience_options, for_ci
from cloison.cli.shell.errors import FINDING, leave
from cloison.cli.shell.options import (
    manifest_options,
    quiet_option,
    whole_option,
    world_options,
)
from cloison.loading.brief import brief
from cloison.loading.keeping import keeping
from fabric.values.dialects import DIALECTS

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.render.ci.annotation import Report
    from cloison.views.changes.approved import ApprovalVerdict
    from cloison.views.times.changed_times import ChangedTimes
    from cloison.views.world import World
    from sim.diff.diff import Diff


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path), required=False)
@click.option("--watch", is_flag=True, help="Compare again whenever a file of NEW changes.")
@click.option(
    "--approved",
    "approvals",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Accept what this file approves, as OLD's revision has it.",
)
@manifest_options
@click.option(
    "--dialect",
    "spoken",
    type=click.Choice(DIALECTS),
    help="Whose reading of policies holds in NEW; without NEW, in OLD as it would be then.",
)
@world_options
@audience_options
@whole_option(markdown=True, more=for_ci)
@quiet_option
def command(
    old: Path,
    new: Path | None,
    watch: bool,
    approvals: Path | None,
    spoken: str | None,
    how: How,
    audience: Audience,
    quiet: bool,
) -> None:
    """Who gains or loses access from OLD to NEW.

    Both are fabric files, or both directories of Kubernetes manifests; or
    revisions of one: A..B -- FILE, A...B -- FILE (from where both began), A --
    FILE (from A to the file as it is), REV:FILE. Git's working tree is not touched.
    Workloads are compared, nodes of a tenant as one, the outside address by
    address: replicas, restarts and new addresses count only where a rule tells
    them apart. Changes come by what was edited, with a packet that fares
    differently and the lines behind it. What is not listed is equal in both. Exit code
    1 when there is a difference, or a finding in one of them; 4 when that is
    unknown, because something in one of them is not evaluated.

    With --dialect NEW is read as another engine reads policies; left out, it is OLD:
    what a cluster's move between engines changes.

    Files with windows are compared at all times, each change with when it is so; with
    --at at one moment, which is also when approvals are judged (default: now).

    With --approved exactly what was approved (see cloison approve) exits with 0, less too; anything
    more with 1, unknown with 4.

    With --watch OLD is read once, and NEW (left out: OLD as it is edited) again after
    every change of a file, until Ctrl-C; what cannot be read is told and waited for.
    """
    from cloison.cli.shell.said_beside import tell_findings
    from cloison.loading.loader import is_fabric
    from cloison.loading.revisions import laid_out
    from cloison.render.formats import progress
    from cloison.verbs.over_time import differing, refuse_approval
    from cloison.verbs.pair import both
    from cloison.views.changes import differences
    from cloison.views.world import World
    from fabric.io.reading import there
    from fabric.rendering.render_command import rendering_asked
    from sim.diff.diff import diff

    if new is None and not (watch or spoken) and rendering_asked():
        new = Path()
    if watch and approvals is not None:
        raise click.UsageError("--approved is not for --watch")
    if watch and rendering_asked():
        raise click.UsageError("--render is not for --watch, which does not see what commands read")
    if watch and spoken:
        raise click.UsageError("--dialect is not for --watch")
    if new is None and not (watch or spoken):
        raise click.UsageError("Missing argument 'NEW'.")

    def tell_moves(words: str) -> None:
        if audience.speaks:
            click.echo(words, err=True)

    with ExitStack() as stack:
        stack.enter_context(audience.wrong("diff", str(new or old)))
        old, new = stack.enter_context(laid_out(old, new or old, tell_moves))
        if there(old) and there(new) and is_fabric(old) != is_fabric(new):
            raise click.UsageError("one is a fabric file, the other is not: nothing to compare")
        if watch:
            if audience.is_ci or audience.summary is not None:
                raise click.UsageError("--watch answers more than once: no output for CI")
            _watch(old, new, how, audience.output, quiet)
            return
        tell = stack.enter_context(progress(quiet=quiet))

        def make(path: Path, said: Any, how: How) -> World:
            tell(f"build {path}")
            return World.read([path], replace(how, dialect=said) if said else how)

        def pair(how: How) -> list[World]:
            return both([partial(make, *side) for side in ((old, None), (new, spoken))], how)

        worlds, times = differing(pair, (old, new), how)
        if times:
            from cloison.render.ci.repository_lines import old_mount
            from cloison.verbs.comparing import compared_at_all_times

            refuse = (lambda worlds: None) if approvals is None else refuse_approval
            mount = old_mount(old, new)
            changed = compared_at_all_times(pair, times, str(new), mount, refuse, tell)
            leave(_show_times(changed, audience))
            return
        tell("compare")
        found = diff(*worlds)
        if approvals is not None:
            refuse_approval(worlds)
        given = None if approvals is None else _judged(found, approvals, how.at, old)
        tell("write")

        def report() -> Report:
            from cloison.render.ci.repository_lines import old_mount
            from cloison.views.annotated import of_diff

            return of_diff(found, worlds, str(new), old_mount(old, new), given)

        audience.tell(report, differences.markdown(found, given))
    if not audience.is_ci:
        _show(found, audience.output, given)
        for world in worlds:
            tell_findings(world)
    if any(world.findings for world in worlds):
        raise click.exceptions.Exit(FINDING)
    leave(differences.said(found) if given is None else given.verdict)


def _show_times(found: ChangedTimes, audience: Audience) -> str:
    """What differs when; the worst verdict."""
    from cloison.cli.shell.said_beside import tell_warnings
    from cloison.render.formats import lined

    audience.tell(found.annotated, found.markdown())
    audience.answer(found.document, lambda: lined(*found.report()), found.annotated, found.markdown)
    if not audience.is_ci:
        tell_warnings([*found.warnings])
    return found.verdict


def _judged(found: Diff, approvals: Path, at: str | None, old: Path) -> ApprovalVerdict:
    """A comparison against the approvals that its old side has."""
    from cloison.cli.changes.approve import moment_of
    from cloison.loading.approvals import read_approvals
    from cloison.loading.revisions import at_base
    from cloison.views.changes.approved import judged
    from fabric.io.reading import there
    from fabric.io.visible import visible

    moment = moment_of(at)
    file = at_base(approvals, old)
    if not there(file):
        click.echo(f"{visible(str(file))} is not there: nothing is approved", err=True)
        return judged(found, (), moment)
    return judged(found, read_approvals(file), moment)


def _show(found: Diff, output: str, given: ApprovalVerdict | None = None) -> None:
    from cloison.render.formats import say
    from cloison.render.whole import whole
    from cloison.views.changes import differences

    say(whole(differences.answer(found, given), output))


def _watch(old: Path, new: Path, how: How, output: str, quiet: bool) -> None:
    from cloison.cli.shell.errors import explain
    from cloison.cli.shell.said_beside import tell_findings
    from cloison.render.formats import FORMATS
    from cloison.verbs.watching import Watch

    if "-" in (str(old), str(new)):
        raise click.UsageError("--watch is for files: stdin is read once")

    def refused(error: Exception) -> None:
        click.echo(explain(error), err=True)

    with keeping(False), brief(False):  # what is edited is soon no more
        watch = Watch(old, new, how)
        try:
            for found, world in watch.rounds(refused):
                _show(found, output)
                if FORMATS[output].told == "text":
                    click.echo(watch.proved(world))
                tell_findings(world)
                if not quiet:
                    click.echo(f"watching {new}; Ctrl-C ends", err=True)
        except KeyboardInterrupt:
            if not quiet:
                click.echo("", err=True)
