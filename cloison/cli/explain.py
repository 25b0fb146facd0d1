"""`cloison explain`: why a flow is allowed or denied, hop by hop, to the line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.errors import UNKNOWN
from cloison.cli.options import output_option, world_options

if TYPE_CHECKING:
    from cloison.how import How
    from cloison.world import World
    from fabric.inventory import Endpoint
    from sim.explain import Explanation
    from sim.resolve import Target

SCHEMA = "cloison/explanation/1"
SEVERAL = "cloison/explanations/1"
MOST = 1000


@click.command()
@click.argument("fabric", metavar="FABRIC|DIR", type=click.Path(path_type=Path))
@click.argument("src")
@click.argument("dst", metavar="DST[:PORT[/PROTO]]")
@click.option("-6", "--ipv6", is_flag=True, help="Follow the IPv6 packet if there is one.")
@world_options
@output_option("table", "json")
def command(fabric: Path, src: str, dst: str, ipv6: bool, how: How, output: str) -> None:
    """Why a flow from SRC to DST is allowed or denied, and what would flip it.

    Shows stage, entry and line at both ends, the routes there and back with
    the reason for each, the path through the underlay, and the reply.

    SRC and DST are names (acme/web/front-0; a workload; the last parts of a
    name, where that is clear) or addresses. PORT is 443, 53/udp or icmp;
    without one it is 443/tcp. IPv6 addresses with a port go in brackets.
    A pattern such as 'acme/web/*' lists the verdict for every pair.

    DIR is a directory of Kubernetes manifests without a fabric. Exit code 0
    whatever the verdict is, but 4 where it is unknown: something that touches
    one of the ends is not evaluated.
    """
    from cloison.world import World
    from sim.explain import between
    from sim.resolve import both, endpoints, targets
    from sim.wanted_ports import address_in, split_source

    world = World.read([fabric], how)
    network, (name, sport) = world.network, split_source(src)
    sources, wanted = both(lambda: endpoints(network, name), lambda: targets(network, dst))
    version = 6 if ipv6 else None
    if len(sources) == len(wanted) == 1:
        ends = sources[0], wanted[0]
        sent = address_in(name), sport
        one = between(network, world.program, *ends, version, *sent)
        show(one, output)
        found = [one]
    else:
        found = several(world, sources, wanted, version, sport)
        show_all(found, output)
    if any(one.verdict == "unknown" for one in found):
        raise click.exceptions.Exit(UNKNOWN)


def show(found: Explanation, output: str) -> None:
    """One flow in full."""
    from cloison import render
    from cloison.explained_text import report

    if output == "json":
        click.echo(render.json_text({"schema": SCHEMA, **found.document()}))
    else:
        render.show(*report(found))


def several(
    world: World,
    sources: list[Endpoint],
    wanted: list[Target],
    version: int | None,
    sport: int | None = None,
) -> list[Explanation]:
    """Every pair of what two patterns select; pairs without a common IP version are left out."""
    from fabric.diagnostics import Diagnostic, InputError
    from sim.explain import between

    if len(sources) * len(wanted) > MOST:
        message = f"{len(sources)} sources and {len(wanted)} destinations are too many to list"
        hint = "narrow the patterns, or use: cloison reach --from SRC --to DST:PORT"
        raise InputError(Diagnostic("C714", message, None, hint))
    out = []
    for source in sources:
        for target in wanted:
            try:
                ends = source, target, version
                out.append(between(world.network, world.program, *ends, sport=sport))
            except InputError:
                continue
    if not out:
        raise InputError(Diagnostic("C712", "no two of these can talk to each other"))
    return out


def show_all(found: list[Explanation], output: str) -> None:
    """Many flows, a row for each; people see those that are alike once."""
    from cloison import render
    from cloison.explained_text import several as report
    from cloison.unknowns import emit_with

    if output == "table":
        render.show(*report(found))
    else:
        rows = [{k: v for k, v in e.document().items() if k != "choices"} for e in found]
        records = tuple(dict.fromkeys(record for e in found for record in e.touched_by))
        emit_with(records, rows, schema=SEVERAL, output=output)
