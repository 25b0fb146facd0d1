"""`cloison explain`: why a flow is allowed or denied, hop by hop, to the line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell import completion
from cloison.cli.shell.errors import UNKNOWN
from cloison.cli.shell.options import dialect_options, manifest_options, whole_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@click.argument("fabric", metavar="FABRIC|DIR", type=click.Path(path_type=Path))
@click.argument("src", shell_complete=completion.endpoints)
@click.argument("dst", shell_complete=completion.endpoints, metavar="DST[:PORT[/PROTO]]")
@click.option("-6", "--ipv6", is_flag=True, help="Follow the IPv6 packet if there is one.")
@click.option("--http", metavar="REQUEST", help='Decide a request: "GET http://host/path".')
@click.option("--header", multiple=True, metavar='"NAME: VALUE"', help="A header of it (repeat).")
@manifest_options
@dialect_options
@world_options
@whole_option()
def command(
    fabric: Path,
    src: str,
    dst: str,
    ipv6: bool,
    http: str | None,
    header: tuple[str, ...],
    how: How,
    output: str,
) -> None:
    """Why a flow from SRC to DST is allowed or denied, and what would flip it.

    Shows stage, entry and line at both ends, the routes there and back with
    the reason for each, the path through the underlay, and the reply.

    SRC and DST are names (acme/web/front-0; a workload; the last parts of a
    name, where that is clear), addresses or prefixes, DST also a Service
    (namespace/name[Service] or 'Service namespace/name'), which is the pods
    behind it, or an Ingress, a route of a gateway or a host port, as reach
    prints them, which are the pods that they lead to and have no PORT. A
    workload is asked about once for each class of its pods that fares
    differently, a prefix or whoever owns one once for each part of it. PORT
    is 443, 53/udp or icmp; without one it is 443/tcp. IPv6 addresses with a
    port go in brackets.
    A pattern such as 'acme/web/*' lists the verdict for every pair.

    With --http the verdict is that of one request (a path, or a URL that says
    host and PORT as well), down to the rule that lets it pass or refuses it:
    "GET /carts/7", "GET http://host:8080/path?query". What is inside TLS
    (https://) is seen only where a proxy of the rules ends the TLS.

    DIR is a directory of Kubernetes manifests without a fabric. Exit code 0
    whatever the verdict is, but 4 where it is unknown: something that touches
    one of the ends is not evaluated.
    """
    from cloison.cli.shell.said_beside import told
    from cloison.render.formats import say
    from cloison.views.packets.every_explained import all_explained
    from cloison.views.world import World
    from sim.names.wanted_requests import asked_request

    if header and http is None:
        raise click.UsageError("--header is for a request: give --http as well")
    request, dst = (None, dst) if http is None else asked_request(http, header, dst)
    world = told(World.read([fabric], how))
    found = all_explained(world, src, dst, version=6 if ipv6 else None, request=request)
    say(found.written(output))
    if found.unknown:
        raise click.exceptions.Exit(UNKNOWN)
