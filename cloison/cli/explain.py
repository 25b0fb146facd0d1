"""`cloison explain`: why a flow is allowed or denied, hop by hop, to the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli import completion
from cloison.cli.errors import UNKNOWN
from cloison.cli.options import dialect_options, manifest_options, whole_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.views.world import World
    from fabric.values.address_sets import Address, AddressSet
    from fabric.values.inventory import Endpoint
    from sim.names.ends import Destination
    from sim.why.explain import Explanation

SCHEMA = "cloison/explanation/1"
SEVERAL = "cloison/explanations/1"
MOST = 1000


@click.command()
@click.argument("fabric", metavar="FABRIC|DIR", type=click.Path(path_type=Path))
@click.argument("src", shell_complete=completion.endpoints)
@click.argument("dst", shell_complete=completion.endpoints, metavar="DST[:PORT[/PROTO]]")
@click.option("-6", "--ipv6", is_flag=True, help="Follow the IPv6 packet if there is one.")
@manifest_options
@dialect_options
@world_options
@whole_option()
def command(fabric: Path, src: str, dst: str, ipv6: bool, how: How, output: str) -> None:
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

    DIR is a directory of Kubernetes manifests without a fabric. Exit code 0
    whatever the verdict is, but 4 where it is unknown: something that touches
    one of the ends is not evaluated.
    """
    from cloison.cli.check import told
    from cloison.render.formats import FORMATS
    from cloison.views.world import World
    from fabric.values.address_sets import address_in, set_in
    from sim.names.ends import both, endpoints, is_pattern, targets
    from sim.names.wanted_ports import split_source
    from sim.why.address_parts import Ends, each

    world = told(World.read([fabric], how))
    network, (name, sport) = world.network, split_source(src)
    sources, wanted = both(lambda: endpoints(network, name), lambda: targets(network, dst))
    pods, named = len(sources) * len(wanted), not (is_pattern(name) or is_pattern(dst))
    alike_as: dict[str, int] = {}
    if not is_pattern(name):
        sources = representatives(world, sources, alike_as)
    twins: dict[int, Destination] = {}
    if not is_pattern(dst):
        twins = second(world, wanted, alike_as)
        wanted = distinct(world, wanted, alike_as)
    version, sent = 6 if ipv6 else None, (address_in(name), sport)
    if len(sources) == len(wanted) == 1:
        to = wanted[0]
        ends = sources[0], twins.get(sources[0].index, to) if to.endpoint is sources[0] else to
        found = each(Ends(world, *ends, set_in(name)), version, *sent)
    else:
        found = several(world, sources, wanted, version, sent, twins, set_in(name))
    if len(found) == 1 or (named and alike(found)):
        show(found[0], output)
        if pods > 1 and FORMATS[output].told == "text":
            click.echo("\nEvery pair of their pods fares alike.")
    else:
        show_all(found, output, alike_as)
    if any(one.verdict == "unknown" for one in found):
        raise click.exceptions.Exit(UNKNOWN)


def representatives(
    world: World, members: Sequence[Endpoint], alike_as: dict[str, int]
) -> list[Endpoint]:
    """One endpoint of each class of pods that fare alike; for how many goes to `alike_as`."""
    from sim.why.pod_classes import classes

    if len(members) == 1:
        return list(members)
    found = classes(world, members)
    alike_as |= {alike[0].name: len(alike) for alike in found}
    return [alike[0] for alike in found]


def distinct(
    world: World, wanted: Sequence[Destination], alike_as: dict[str, int]
) -> list[Destination]:
    """As `representatives`, of destinations; an address stands for itself."""
    members = {t.endpoint.index: t.endpoint for t in wanted if t.endpoint is not None}
    chosen = representatives(world, list(members.values()), alike_as) if members else []
    kept = {endpoint.index for endpoint in chosen}
    return [t for t in wanted if t.endpoint is None or t.endpoint.index in kept]


def second(
    world: World, wanted: Sequence[Destination], alike_as: dict[str, int]
) -> dict[int, Destination]:
    """Of each class of several, by its first: another one, for what they say to each other."""
    from sim.why.pod_classes import classes

    ends = {t.endpoint.index: (t.endpoint, t) for t in wanted if t.endpoint is not None}
    if len(ends) < 2:
        return {}
    found = classes(world, [endpoint for endpoint, _ in ends.values()])
    several = [members for members in found if len(members) > 1]
    alike_as |= {members[1].name: len(members) - 1 for members in several}
    return {members[0].index: ends[members[1].index][1] for members in several}


def alike(found: Sequence[Explanation]) -> bool:
    """Whether flows between the pods of two workloads end alike, and by the same rule."""
    from cloison.views.explained_text import workload_of

    ends = {
        (
            *(workload_of(one, name) for name in (one.source, one.target)),
            one.parts,
            (one.verdict, one.reason, one.others),
            (one.blame.culprit.title, one.blame.culprit.span),
        )
        for one in found
    }
    return len(ends) == 1


def show(found: Explanation, output: str) -> None:
    """One flow in full."""
    from cloison.render.formats import lined, say
    from cloison.render.whole import WholeAnswer, whole
    from cloison.views.diagnosed import diagnosed
    from cloison.views.explained_text import report

    def document() -> dict[str, Any]:
        return {"schema": SCHEMA, **found.document(), "diagnostics": diagnosed(found.network)}

    say(whole(WholeAnswer(document, lambda: lined(*report(found))), output))


def several(
    world: World,
    sources: list[Endpoint],
    wanted: list[Destination],
    version: int | None,
    sent: tuple[Address | None, int | None] = (None, None),
    twins: Mapping[int, Destination] | None = None,
    block: AddressSet | None = None,
) -> list[Explanation]:
    """Every pair of what two patterns select; pairs without a common IP version are left out.
    `twins` speak for a class that talks to itself; `sent` and `block` limit the source's addresses
    and port."""
    from fabric.diagnostics import Diagnostic, InputError
    from sim.why.address_parts import Ends, each

    if len(sources) * len(wanted) > MOST:
        message = f"{len(sources)} sources and {len(wanted)} destinations are too many to list"
        hint = "narrow the patterns, or use: cloison reach --from SRC --to DST:PORT"
        raise InputError(Diagnostic("C714", message, None, hint))
    out = []
    for source in sources:
        for target in wanted:
            try:
                itself = target.endpoint is source
                to = (twins or {}).get(source.index, target) if itself else target
                ends = Ends(world, source, to, block)
                out += each(ends, version, *sent)
            except InputError as error:
                if error.diagnostics[0].code != "C712":
                    raise
    if not out:
        raise InputError(Diagnostic("C712", "no two of these can talk to each other"))
    return out


def show_all(found: list[Explanation], output: str, alike_as: dict[str, int]) -> None:
    """Many flows, a row for each; people see those that are alike once."""
    from cloison.render import formats as render
    from cloison.views.explained_text import several as report
    from cloison.views.unknowns import with_records

    if render.FORMATS[output].told == "text":
        render.show(*report(found, alike_as))
    else:
        rows, network = [row(one, alike_as) for one in found], found[0].network
        records = tuple(dict.fromkeys(record for e in found for record in e.touched_by))
        render.say(with_records(records, rows, network=network, schema=SEVERAL, output=output))


def row(found: Explanation, alike_as: dict[str, int]) -> dict[str, Any]:
    """One of many flows as data; `pairs` says for how many pairs of pods it stands."""
    pairs = alike_as.get(found.source, 1) * alike_as.get(found.target, 1)
    plain = {k: v for k, v in found.document().items() if k != "choices"}
    return plain | ({"pairs": pairs} if pairs > 1 else {})
