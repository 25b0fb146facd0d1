"""`cloison reach`: of a fabric, or of a directory of Kubernetes manifests alone."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from cloison.cli.options import down_option

if TYPE_CHECKING:
    from fabric.network import Network

FORMATS = ("table", "matrix", "json", "jsonl", "yaml", "csv", "md", "dot")


@click.command()
@click.argument(
    "paths",
    metavar="FABRIC|DIR...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
)
@click.option("--to", metavar="NAME[:PORT]", help="Only who can reach this.")
@click.option("--from", "source", metavar="NAME", help="Only what this can reach.")
@click.option(
    "--flows",
    type=click.File("rb"),
    metavar="FILE|-",
    help="DIR only: answer questions, one JSON object per line.",
)
@click.option(
    "--ipblock",
    type=click.Choice(["pods", "external"]),
    default="pods",
    show_default=True,
    help="DIR only: whether an ipBlock also matches addresses of pods.",
)
@click.option(
    "--host-network",
    type=click.Choice(["exempt", "ordinary"]),
    default="exempt",
    show_default=True,
    help="DIR only: whether policies apply to host-network pods.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(FORMATS),
    default=None,
    help="Format of the result on stdout [default: table; jsonl with --flows].",
)
@down_option
def command(
    paths: tuple[Path, ...],
    to: str | None,
    source: str | None,
    flows: Any,
    ipblock: Literal["pods", "external"],
    host_network: Literal["exempt", "ordinary"],
    output: str | None,
    down: tuple[str, ...],
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
    or ip:ADDRESS. A workload stands for its pods; when they differ the answer
    is an error that says so.
    """
    if len(paths) == 1 and is_fabric(paths[0]):
        from cloison.cli.reach_fabric import reach_fabric

        if flows is not None:
            raise click.UsageError("--flows needs a directory of manifests, not a fabric file")
        reach_fabric(paths[0], to=to, source=source, output=output or "table", down=down)
        return
    if down:
        raise click.UsageError("--down needs a fabric file")
    network = world(paths, {"ipblock": ipblock, "host_network": host_network})
    if flows is not None:
        if output not in (None, "jsonl"):
            raise click.UsageError("--flows answers with -o jsonl")
        answer_flows(network, flows)
    else:
        from cloison.connectivity import show

        show(network, output or "table", source, to)


def is_fabric(path: Path) -> bool:
    """Whether a file is a fabric file, by its first keys: they name the format or what it extends.

    Anything that cannot be read is left to whoever reads it for real.
    """
    from fabric.diagnostics import InputError
    from fabric.reader import read_yaml

    if path.is_dir() or str(path) == "-":
        return False
    try:
        values = [document.value for document in read_yaml(path)]
    except InputError:
        return False
    return any(isinstance(v, Mapping) and "apiVersion" not in v for v in values)


def world(paths: tuple[Path, ...], options: dict[str, Any]) -> Network:
    """The cluster that the manifests describe; warnings go to stderr."""
    from cloison.render import visible
    from fabric.cluster import CLUSTER, cluster_network

    network = cluster_network(paths, **options)
    for warning in network.manifests[CLUSTER].warnings:
        click.echo(visible(str(warning)), err=True)
    return network


def answer_flows(network: Network, flows: Any) -> None:
    """Questions in, answers out; each at once when somebody may be waiting for it."""
    from cloison.flows import answers
    from compiler.compile import compile_network
    from sim.questions import Questions

    out, waiting = sys.stdout, not flows.seekable()
    for line in answers(Questions(network, compile_network(network)), flows):
        out.write(line + "\n")
        if waiting:
            out.flush()
