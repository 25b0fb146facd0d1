"""`cloison reach FABRIC`: who reaches whom across tenants, zones and route targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cloison.how import How
    from compiler.ir import Origin
    from sim.access import Access

SCHEMA = "cloison/reach/1"
COLUMNS = ("source", "destination", "ports", "because")


def reach_fabric(path: Path, *, to: str | None, source: str | None, output: str, how: How) -> None:
    """Print every pair of workloads that may talk, or those that were asked for."""
    from cloison.render import emit
    from cloison.world import World
    from sim.access import asked
    from sim.reachability import reachability

    world = World.of_fabric(path, how)
    network = world.network
    found = asked(lambda: reachability(network, world.program), network, source, to)
    if output == "matrix":
        click.echo("\n".join(matrix(found)))
    elif output == "dot":
        click.echo("\n".join(dot(found)))
    elif output in ("table", "csv", "md"):
        rows = [{**row.row(), "because": because(row)} for row in found]
        emit(rows, schema=SCHEMA, output=output, columns=COLUMNS)
        if output == "table" and not rows:
            click.echo("nothing", err=True)
    else:
        emit([row.row() for row in found], schema=SCHEMA, output=output)


def because(row: Access) -> str:
    """What permits it, egress and ingress; a cause at both ends is said once."""
    out, into = list(map(named, row.out)), list(map(named, row.into))
    both = [name for name in out if name in into]
    parts = [
        ", ".join(dict.fromkeys(both)),
        "; ".join(
            f"{word} {', '.join(dict.fromkeys(n for n in names if n not in both))}"
            for word, names in (("egress", out), ("ingress", into))
            if any(n not in both for n in names)
        ),
    ]
    return "; ".join(filter(None, parts)) or "no policy"


def named(origin: Origin) -> str:
    """A cause in few words: policies by name and rule, the rest by kind and name."""
    if origin.kind == "NetworkPolicy":
        name = origin.name.rpartition("/")[2]
        return name if origin.rule is None else f"{name}#{origin.rule}"
    if origin.kind == "tenant":
        return f"same VRF {origin.name}"
    return f"{origin.kind} {origin.name}"


def matrix(found: Iterable[Access]) -> Iterator[str]:
    """Workloads × workloads, a letter per cell."""
    from cloison.render import visible

    cells = {(row.source, row.target): "." if row.ports.all() else "p" for row in found}
    sources = sorted({source for source, _ in cells})
    targets = sorted({target for _, target in cells})
    width = len(str(len(targets)))
    yield "row: source, column: destination by number; . everything, p some ports, X nothing"
    for number, target in enumerate(targets, 1):
        yield f"{number:>{width}} {visible(target)}"
    longest = max((len(visible(source)) for source in sources), default=0)
    yield " " * longest + "".join(f" {n:>{width}}" for n in range(1, len(targets) + 1))
    for source in sources:
        line = "".join(f" {cells.get((source, t), 'X'):>{width}}" for t in targets)
        yield f"{visible(source):{longest}}{line}"


def dot(found: Iterable[Access]) -> Iterator[str]:
    """A Graphviz digraph."""
    from cloison.connectivity import quoted

    yield "digraph reach {"
    yield '  rankdir=LR; node [shape=box, fontname="sans-serif"];'
    for row in found:
        ports = quoted(row.text)
        yield f"  {quoted(row.source)} -> {quoted(row.target)} [label={ports}];"
    yield "}"
