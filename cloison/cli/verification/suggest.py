"""`cloison suggest`: the smallest edits that make failing expectations hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.shell import completion
from cloison.cli.shell.errors import FINDING, leave
from cloison.cli.shell.options import fabric_argument, quiet_option, whole_option, world_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloison.loading.how import How
    from cloison.views.world import World


class WidthType(click.ParamType):  # type: ignore[type-arg]
    """Lengths of prefixes of both families."""

    name = "width"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """`24,56` as two numbers."""
        if isinstance(value, tuple):
            return value
        four, _, six = str(value).partition(",")
        if not (four.isdecimal() and six.isdecimal() and int(four) <= 32 and int(six) <= 128):
            self.fail("two lengths of prefixes, as in 24,56", param, ctx)
        return int(four), int(six)


@click.command()
@fabric_argument
@world_options
@click.option(
    "--most",
    type=click.IntRange(1, 50),
    default=3,
    show_default=True,
    metavar="N",
    help="Suggestions that are shown for each expectation.",
)
@click.option(
    "--from-flows",
    "flows",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Suggest policies that permit what this capture or flow log observed.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write these policies as manifests.",
)
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="TENANT/NAMESPACE",
    help="Write policies for this namespace; default: all that were seen.",
)
@click.option(
    "--width",
    type=WidthType(),
    default="32,128",
    show_default=True,
    metavar="V4,V6",
    help="Prefixes by which policies name the outside.",
)
@click.option(
    "--vrf",
    shell_complete=completion.vrfs,
    metavar="TENANT/VRF",
    help="Where packets enter whose VRF is not known.",
)
@whole_option(more=lambda: ("patch", "overlay"))
@quiet_option
def command(
    fabric: Path, how: How, most: int, flows: tuple[Path, ...], output: str, quiet: bool,
    **options: Any,
) -> None:  # fmt: skip
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
    changes nothing else; 4 when something that is not evaluated touches it.

    --from-flows FILE: NetworkPolicies for whole namespaces that permit what a
    capture (pcap, pcapng), Hubble's flows or a flow log as lines of JSON
    observed and FABRIC lets through today, and nothing else. They take the
    place of those that are there, which may be wider, and are compiled and
    compared: what passed passes, all else between these pods is denied,
    nothing is newly permitted. What they would newly deny comes with a packet
    each. What FABRIC denies today is listed and not opened. Exit code 1 where
    that cannot be proven, 4 where something is not evaluated. Where no flow was
    taken nothing is suggested.
    """
    from cloison.cli.shell.said_beside import tell_findings
    from cloison.render.formats import progress, say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.verbs.suggesting import mended, refuse_stdin, suggestions
    from cloison.views.verification import suggested as view
    from fabric.io.visible import visible
    from sim.diff.suggested.file_edits import extending

    refuse_stdin(fabric)
    if flows:
        from_flows(fabric, how, flows, output, quiet=quiet, **options)
        return
    if options["out"] or options["namespaces"] or options["vrf"]:
        raise click.UsageError("--out, --namespace and --vrf go with --from-flows")
    with progress(quiet=quiet) as tell:
        tell("build and converge")
        if output in ("patch", "overlay"):
            world, found, edits = mended(fabric, how, tell)
        else:
            world, found = suggestions(fabric, how, tell)

    def text() -> str:
        return "".join(f"{visible(line)}\n" for line in view.report(fabric, world, found, most))

    if output in ("patch", "overlay"):
        say(view.patched(fabric, world, edits) if output == "patch" else extending(fabric, edits))
        click.echo("".join(f"{visible(line)}\n" for line in view.left(found)), nl=False, err=True)
    else:
        say(whole(WholeAnswer(lambda: view.document(fabric, world, found), text), output))
    tell_findings(world)
    if any(not any(not each.beside for each in one.found) for one in found):
        raise click.exceptions.Exit(FINDING)
    if any(all(each.unknown for each in one.found if not each.beside) for one in found):
        leave("unknown")


def from_flows(
    fabric: Path, how: How, flows: tuple[Path, ...], output: str, *, quiet: bool,
    out: Path | None, namespaces: tuple[str, ...], width: tuple[int, int], vrf: str | None,
) -> None:  # fmt: skip
    """Policies of least privilege."""
    from cloison.cli.shell.said_beside import announce_kernels, tell_findings
    from cloison.render.formats import progress, say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.verbs.permitting import permitted
    from cloison.views.verification import permitted as view
    from fabric.io.visible import visible

    if output == "patch":
        raise click.UsageError("policies from flows come as -o overlay, or as files: --out FOLDER")
    announce_kernels()
    with progress(quiet=quiet) as tell:
        tell("build and converge")
        world, found, notes = permitted(
            fabric, how, flows, tell, width=width, rooms=namespaces, vrf=vrf
        )

    def text() -> str:
        lines = view.report(world, found, width)
        return "".join(f"{visible(line)}\n" for line in lines)

    proven, some = found.verdict != "fails", found.verdict != "nothing"
    if output == "overlay":
        say(view.overlay(fabric, found) if proven and some else "")
    else:
        say(
            whole(
                WholeAnswer(lambda: view.document(fabric, world, found, width, notes), text), output
            )
        )
    for note in notes:
        click.echo(visible(note), err=True)
    tell_findings(world)
    if not proven:
        click.echo("these policies would open or stop more: -o table says what", err=True)
    elif out is not None:
        write(out, world, view.texts(found))
    if not some and output == "overlay":
        click.echo(f"{view.WORDS[found.verdict]}: -o table says what was left", err=True)
    leave(found.verdict if some else "computed")


def write(into: Path, world: World, texts: Iterable[tuple[str, str]]) -> None:
    """The manifests below a folder."""
    from cloison.render.files import apart, write_text
    from fabric.building.inputs import input_files

    inputs = input_files(world.network.spec)
    for name, text in texts:
        apart(into / name, inputs)
        write_text(into / name, text)
        click.echo(f"{into / name} written", err=True)
