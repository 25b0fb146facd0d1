"""`cloison reach`: of a fabric, or of a directory of Kubernetes manifests alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.shell import completion
from cloison.cli.shell.errors import UNKNOWN, USAGE
from cloison.cli.shell.options import (
    dialect_options,
    manifest_options,
    output_option,
    quiet_option,
    spelt,
    world_options,
)

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.views.access.focus import Focus
    from cloison.views.world import World
    from fabric.building.network import Network
    from fabric.diagnostics import Diagnostic

PICTURES = ("matrix", "dot")
"""Formats that show who is there, and no rows."""


@click.command()
@click.argument(
    "paths",
    metavar="FABRIC|DIR...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
)
@click.option(
    "--to",
    shell_complete=completion.endpoints,
    metavar="NAME[:PORT]",
    help="Only who can reach this.",
)
@click.option(
    "--from",
    "source",
    shell_complete=completion.endpoints,
    metavar="NAME",
    help="Only what this can reach.",
)
@click.option(
    "--flows",
    type=click.File("rb"),
    metavar="FILE|-",
    help="DIR only: answer questions, one JSON object per line.",
)
@click.option(
    "--exposure",
    is_flag=True,
    help="DIR only: what pods that are not there could reach, or be reached by.",
)
@click.option(
    "--focus",
    multiple=True,
    metavar="KEY=VALUE",
    help="DIR only: workload=NAME, direction=ingress|egress or protocol=NAME (repeatable).",
)
@manifest_options
@dialect_options
@output_option(
    around=PICTURES,
    default=None,
    help="Format of the result on stdout [default: table; jsonl with --flows].",
)
@world_options
@quiet_option
def command(
    paths: tuple[Path, ...],
    to: str | None,
    source: str | None,
    flows: Any,
    exposure: bool,
    focus: tuple[str, ...],
    output: str | None,
    how: How,
    quiet: bool,
) -> None:
    """Who can reach whom, on which ports, and because of which policies.

    FABRIC is a fabric file. DIR is a directory (or files) of unmodified
    Kubernetes manifests; it needs no fabric file.

    With --flows every line of FILE is a question and gets one line of answer:

    \b
    {"id": 1, "src": "shop/cart-0", "dst": "shop/redis[Deployment]",
     "protocol": "TCP", "port": 6379}
    {"id": 1, "verdict": "allow", "by": [...]}

    Ends are namespace/pod, namespace/workload[Kind], namespace/name[Service]
    or ip:ADDRESS; namespace/name[Ingress], as reach prints it, without port is
    the pods that it leads to. A workload stands for its pods; when they differ the answer
    is an error that says so. A line without an answer makes the exit code 2,
    when all others have theirs.

    With --exposure rows are about pods that are not there, with all labels: one pod
    for each way in which policies tell pods apart by theirs and by those of their
    namespace, in namespaces that are there and in new ones. Each row is what reach
    would say once such a pod is added. Where these are too many the answer is
    unknown.

    Exit code 4 when an answer is unknown: something that touches it is not
    evaluated.
    """
    from cloison.loading.imported_site import is_site
    from cloison.loading.loader import is_fabric
    from cloison.render.formats import progress, say
    from cloison.verbs.checking import lints
    from cloison.views.access.focus import Focus
    from cloison.views.world import World
    from sim.worlds.axes import axes

    if len(paths) == 1 and (is_site(paths[0]) or is_fabric(paths[0])):
        from cloison.cli.shell.said_beside import told
        from cloison.views.access.reach import FabricReach

        if flows is not None:
            raise click.UsageError("--flows needs a directory of manifests, not a fabric file")
        if exposure or focus:
            option = "--exposure" if exposure else "--focus"
            raise click.UsageError(f"{option} needs a directory of manifests, not a fabric file")
        world = told(World.of_fabric(paths[0], how))
        reached = FabricReach.of(world, source, to)
        say(reached.written(output or "table"))
        if output in (None, "table") and not reached.found:
            click.echo("nothing", err=True)
        if reached.unsure:
            raise click.exceptions.Exit(UNKNOWN)
        return
    if flows is not None and (exposure or focus):
        raise click.UsageError("--flows asks its own questions")
    if flows is not None and output in PICTURES:
        raise click.UsageError(f"--flows has no -o {output}: answers are rows, and no picture")
    if needing := [axis.name for axis in axes() if axis.of_network and axis.name in how.on]:
        raise click.UsageError(f"{spelt(needing[:1])} needs a fabric file")
    with progress(quiet=quiet) as tell:
        tell("read manifests")
        cluster = World.read(paths, how)
    doubts = tuple(lints(cluster.network, cluster.program.policy, how))
    warn(cluster.network, doubts)
    if flows is not None:
        answer_flows(cluster, flows, output or "jsonl", doubts)
        return
    wanted = Focus.read(focus)
    if exposure:
        if source or to:
            raise click.UsageError("--exposure is narrowed by --focus")
        text, unsure = exposed(paths, how, cluster, output or "table", wanted)
    else:
        from cloison.views.access.cluster_reach import ClusterReach

        part = ClusterReach.of(cluster, source, to, doubts, wanted)
        text, unsure = part.written(output or "table"), part.unsure
    say(text)
    if unsure:
        raise click.exceptions.Exit(UNKNOWN)


def exposed(
    paths: Sequence[Path], how: How, cluster: World, output: str, wanted: Focus
) -> tuple[str, bool]:
    """What pods that are not there could reach, or be reached by."""
    from cloison.verbs.exposing import exposure
    from cloison.views.access.exposed import answer

    if output in PICTURES:
        raise click.UsageError(f"--exposure has no -o {output}")
    return answer(exposure(paths, how, cluster), output, wanted)


def warn(network: Network, doubts: Sequence[Diagnostic]) -> None:
    """What is doubtful about manifests and their policies, and what must not be, on stderr."""
    from cloison.render.formats import visible
    from fabric.building.cluster import CLUSTER

    found = network.manifests[CLUSTER].warnings
    for warning in (*found, *network.findings, *doubts):
        for line in str(warning).splitlines():
            click.echo(visible(line), err=True)


def answer_flows(world: World, flows: Any, output: str, doubts: Sequence[Diagnostic]) -> None:
    """Questions in, answers out; as lines each at once when somebody may be waiting for it."""
    from cloison.render.formats import say
    from cloison.views.access.questions import Answers
    from sim.reach.questions import Questions

    out, waiting = sys.stdout, not flows.seekable()
    questions = Questions(world)
    answers = Answers(questions)
    if output == "jsonl":
        for line in answers.lines(flows):
            out.write(line)
            if waiting:
                out.flush()
    else:
        say(answers.report(flows, output, doubts))
    if answers.failed:
        out.flush()
        click.echo(f"{answers.failed} of {answers.asked} lines have no answer", err=True)
        raise click.exceptions.Exit(USAGE)
    if questions.unknown:
        raise click.exceptions.Exit(UNKNOWN)
