"""Connectivity of a directory of Kubernetes manifests, as people and programs want to read it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from cloison.render.formats import visible
from cloison.views.access.asked_peers import (
    called,
    short,
    title,
    within,
)
from cloison.views.access.doubts import Doubts
from cloison.views.caveats.unknowns import notes
from cloison.views.network.policy import policy_object
from compiler.policy.ir import Direction, Origin
from compiler.program.program import goes_by_address
from compiler.sources.past_egress import workload_of
from fabric.building.cluster import CLUSTER
from fabric.diagnostics import Diagnostic, InputError
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, pending
from fabric.values.address_sets import AddressSet, addresses_in, refusal
from sim.blocks.port_sets import rows as port_rows
from sim.names.wanted_ports import ports_by, split_port
from sim.reach.connectivity import (
    OUTSIDE,
    Connection,
    Connectivity,
    Peer,
)
from sim.wording.verdicts import touching

SCHEMA = "cloison/connectivity/1"
SIDES = {Direction.OUT: "egress", Direction.IN: "ingress"}
COLUMNS = {"source": "source", "destination": "destination", "ports": "ports", "because": "because"}
LEGEND = "row: source, column: destination; . all, p a part, X nothing, # itself"
UNSURE = ", ? unknown"


def footnote(found: Connectivity, chosen: Sequence[Connection]) -> str:
    """What rows rest on that the manifests do not say; empty when they rest on nothing."""
    network, program = found.reach.network, found.reach.program
    drawn = sum("address" in e.assumed for e in network.endpoints)
    by_address = any(goes_by_address(e) for group in program.groups for e in group.entries)
    if not drawn or not by_address:
        return ""
    rows = sum(c.assumed for c in chosen)
    several = f"{rows} rows marked (assumed) go" if rows > 1 else "the row marked (assumed) goes"
    marked = f"{several} by one" if rows else "no row goes by one"
    return (
        f"Assumed: the addresses of {drawn} endpoints, whose manifests have no status. "
        f"Rules with an ipBlock are matched against them: {marked}; where one does not match, "
        "there is no row."
    )


def doubts(found: Connectivity, source: str | None = None, to: Sequence[str] = ()) -> Doubts:
    """What touches the connections between two patterns, the latter of which may be several
    (`cloison.views.access.doubts`, rule 2)."""
    network = found.reach.network
    touch = touching(network)
    unsure = frozenset(
        peer_key(p) for p, own in found.members.items() if any(pending(touch.of(i)) for i in own)
    )
    named: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for peer, own in found.members.items():
        for i in own:
            named[workload_of(network.endpoints[i])].setdefault(peer_key(peer))
    pairs = frozenset(
        pair
        for r in pending(network.not_evaluated)
        for sender in r.senders
        for pair in product(named[sender], named[f"{r.namespace}/{r.workload}"])
    )
    if source is None or not to:
        return Doubts(network.not_evaluated, unsure, pairs)
    wanted = [source, *map(short, to)]
    ends = (i for p, own in found.members.items() for i in own if any(called(p, w) for w in wanted))
    records = touch.asked(ends, [f"{CLUSTER}/{pattern}" for pattern in wanted])
    return Doubts(records, unsure, pairs)


def peer_key(of: Peer) -> str:
    """A peer in `Doubts`; ranges of the outside are one."""
    return str(OUTSIDE) if of.kind == "External" else str(of)


def narrowed(found: Connectivity, source: str | None, to: str | None) -> list[Connection]:
    """The connections between two patterns; `to` may end in `:PORT`."""
    name, port = split_port(to) if to else (None, "")
    for wanted in filter(None, (source, name)):
        if wrong := refusal(wanted):
            raise InputError(wrong)
        peers = [
            *found.workloads,
            *found.pods,
            OUTSIDE,
        ]
        if addresses_in(wanted) is None and not any(called(peer, wanted) for peer in peers):
            hint = "write namespace/workload, namespace/pod, a glob, or external"
            raise InputError(Diagnostic("C710", f'nothing is called "{wanted}"', None, hint))
    mask = None
    if port:
        wanted_ports = [
            r for ports, _ in ports_by(port, found.reach.network.endpoints) for r in ports
        ]
        mask = found.reach.space.touching(wanted_ports)
    blocks = [addresses_in(text) if text else None for text in (source, name)]
    chosen = (
        part(c, *blocks)
        for c in found.connections
        if (source is None or called(c.source, source))
        and (name is None or called(c.target, name))
        and (mask is None or (c.ports & mask).any())
    )
    return [c for c in chosen if c.families]


def part(of: Connection, *blocks: AddressSet | None) -> Connection:
    """A connection between those addresses that were asked for, in the IP versions that it has
    there."""
    if not any(blocks):
        return of
    ends = [
        end if block is None else within(end, block)
        for end, block in zip((of.source, of.target), blocks, strict=True)
    ]
    told = [addresses_in(", ".join(end.ranges)) for end in ends]
    left = [set(block.versions) for block in told if block is not None]
    families = tuple(v for v in of.families if all(v in versions for versions in left))
    return replace(of, source=ends[0], target=ends[1], families=families)


def as_text(found: Connectivity, connection: Connection) -> dict[str, str]:
    """One connection for people. A policy lives in its pod's namespace, so its name will do."""
    ports = found.reach.space.text(connection.ports)
    ports += f" ({connection.only})" if connection.only else ""
    ports += " (not all pods)" if connection.partial else ""
    return {
        "source": title(found, connection.source),
        "destination": title(found, connection.target),
        "ports": f"{ports} (assumed)" if connection.assumed else ports,
        "because": because(connection),
    }


def as_cells(found: Connectivity, connection: Connection) -> dict[str, str]:
    """One connection for spreadsheets: one meaning per column."""
    row = as_text(found, connection)
    ports = found.reach.space.text(connection.ports)
    pods = "some" if connection.partial else "all"
    families = " ".join(f"IPv{version}" for version in connection.families)
    return row | {
        "ports": ports,
        "families": families,
        "pods": pods,
        "assumed": "address" if connection.assumed else "",
    }


def structured(found: Connectivity, connection: Connection) -> dict[str, Any]:
    """One connection for programs."""
    return {
        "source": peer(connection.source),
        "destination": peer(connection.target),
        "ports": port_rows(found.reach.space, connection.ports),
        "families": [f"IPv{version}" for version in connection.families],
        "partial": connection.partial,
        "assumed": ["address"] if connection.assumed else [],
        "by": [cause(direction, origin) for direction, origin in connection.causes],
        **({"conditional": True} if connection.conditional else {}),
    }


def because(connection: Connection) -> str:
    """The policies behind a connection, by side, as `policy#rule`."""
    parts = []
    for side, word in SIDES.items():
        rules = [named(origin) for direction, origin in connection.causes if direction is side]
        if rules:
            parts.append(f"{word} {', '.join(dict.fromkeys(rules))}")
    parts += ["under conditions"] if connection.conditional else []
    return "; ".join(parts) or "no policy"


def named(origin: Origin) -> str:
    """A rule as `policy#index`."""
    name = origin.name.rpartition("/")[2]
    return name if origin.rule is None else f"{name}#{origin.rule}"


def peer(of: Peer) -> dict[str, Any]:
    """A workload or the outside, structured."""
    if of.kind == "External":
        return {"kind": of.kind, "ranges": list(of.ranges)}
    return {"kind": of.kind, "namespace": of.namespace, "name": of.name}


def cause(direction: Direction, origin: Origin) -> dict[str, Any]:
    """One rule that allows, with its line."""
    return {
        "direction": SIDES[direction],
        "policy": policy_object(origin),
        "rule": origin.rule,
        "at": None if origin.span is None else str(origin.span),
    }


def matrix(found: Connectivity, chosen: Sequence[Connection], doubt: Doubts) -> Iterator[str]:
    """Workloads × workloads and the outside, a letter per cell."""
    peers = [*found.workloads, *sorted(found.pods), OUTSIDE]
    cells: dict[tuple[Peer, Peer], str] = {}
    for c in chosen:
        key = tuple(OUTSIDE if p.kind == "External" else p for p in (c.source, c.target))
        every = c.ports.all() and not c.partial and whole(c.source.ranges + c.target.ranges)
        part = not every or c.conditional or bool(c.only) or cells.get((key[0], key[1])) == "p"
        cells[key[0], key[1]] = "p" if part else "."
    pairs = ((a, b) for a in peers for b in peers if a != b)
    cells |= {(a, b): "?" for a, b in pairs if doubt.of(peer_key(a), peer_key(b)) == "unknown"}
    width = len(str(len(peers)))
    yield LEGEND + (UNSURE if doubt.columns else "")
    head = " ".join(str(n).rjust(width) for n in range(1, len(peers) + 1))
    longest = max(len(title(found, p)) for p in peers)
    yield f"{'':{longest + width + 2}}{head}"
    for number, source in enumerate(peers, 1):
        line = " ".join(
            cells.get((source, target), "#" if source == target else "X").rjust(width)
            for target in peers
        )
        yield f"{number:>{width}} {title(found, source):{longest}} {line}"


def whole(ranges: Sequence[str]) -> bool:
    """Whether outside ranges, if there are any, cover a whole family."""
    return not ranges or any(text in ("0.0.0.0/0", "::/0") for text in ranges)


def dot(
    found: Connectivity,
    chosen: Sequence[Connection],
    doubt: Doubts,
    lacks: Sequence[tuple[str, str]] = (),
) -> Iterator[str]:
    """A Graphviz digraph with a cluster per namespace."""
    yield "digraph connectivity {"
    yield from remarks(lacks)
    yield from legend(doubt.records)
    yield '  rankdir=LR; node [shape=box, fontname="sans-serif"];'
    for namespace in sorted({p.namespace for p in found.workloads}):
        yield f"  subgraph {quoted(f'cluster_{namespace}')} {{ label={quoted(namespace)};"
        for p in found.workloads:
            if p.namespace == namespace:
                yield f"    {quoted(str(p))} [label={quoted(f'{p.name}[{p.kind}]')}];"
        yield "  }"
    for c in chosen:
        ports = unsure(
            as_text(found, c)["ports"] + (" (under conditions)" if c.conditional else ""),
            doubt.of(peer_key(c.source), peer_key(c.target)),
        )
        yield f"  {quoted(str(c.source))} -> {quoted(str(c.target))} [label={ports}];"
    yield "}"


def legend(records: Sequence[Unevaluated]) -> Iterator[str]:
    """What is not evaluated, below the picture."""
    if records:
        yield f"  labelloc=b; label={quoted(chr(10).join(notes(records)))};"


def remarks(lacks: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Comments about pairs that lack something because of an assumed address."""
    for source, target in lacks:
        yield f"  // assumed address, more may be open: {visible(source)} -> {visible(target)}"


def unsure(ports: str, verdict: str) -> str:
    """The label of an edge, with how it is drawn where it is unknown."""
    return f"{quoted(f'{ports} ?')}, style=dashed" if verdict == "unknown" else quoted(ports)


def quoted(text: str) -> str:
    """A Graphviz string."""
    escaped = visible(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
