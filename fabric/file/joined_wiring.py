"""The wiring of a fabric file together with that of the tables that it names.

Rules that hold here:

1. What the file says wins over tables, an earlier table over a later one. Where they say different
   things about one node or one port, that is a warning (C352) with both lines.
2. A row about a device of another site is that site's. Devices whose role is none of ours are
   passed over with their cables, and so is a cable to a device that nobody names; C351 counts.
3. A device is known by its name, or by the first part of it (`leaf1` for `leaf1.example.org`). One
   cable that both of its ends see is one.
4. With `dpus: "{host}-dpu"` a host that has no DPU gets one of that name, and its cables are the
   DPU's: inventories list a server with the ports of its DPU.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.spec import FabricSpec, NodeName, Site, SiteCable, SiteNode
from fabric.file.wiring_tables import SeenCable, SeenNode, read_table, slug
from fabric.io.dependencies import asked, entries
from fabric.io.reading import there
from fabric.io.visible import visible

END = re.compile(r"\s*([^\s:]+)(?::(\S+))?\s*")
SUFFIXES = (".csv", ".json")
HOST = "{host}"
SHOWN = 4
NAMES: TypeAdapter[str] = TypeAdapter(NodeName)
Ends = tuple[tuple[str, str | None], tuple[str, str | None]]
Cabled = tuple[frozenset[tuple[str, str | None]], Span | None]
"""Both ends of a cable, and where it is written."""
Used = dict[tuple[str, str], Cabled]


def ends_of(cable: str | SiteCable) -> tuple[list[str], Ends | None]:
    """The ends of a cable as they are written, and as nodes and ports if they can be read."""
    texts = cable.between if isinstance(cable, SiteCable) else re.split(r"\s--\s", cable)
    read = [END.fullmatch(text) for text in texts]
    if len(read) != 2 or read[0] is None or read[1] is None:
        return texts, None
    return texts, ((read[0][1], read[0][2]), (read[1][1], read[1][2]))


@dataclass(slots=True)
class _Joined:
    """A site in the making. `at` says where nodes and cables stand that tables add; `passed` counts
    what is passed over by why, `skipped` has the names of devices that are, `strange` those that
    nobody knows, with the number of their cables."""

    site: Site
    nodes: dict[str, SiteNode]
    seen: list[SeenCable] = field(default_factory=list)
    at: dict[tuple[str | int, ...], Span] = field(default_factory=dict)
    passed: Counter[str] = field(default_factory=Counter)
    skipped: set[str] = field(default_factory=set)
    strange: Counter[str] = field(default_factory=Counter)


def with_tables(spec: FabricSpec, found: Diagnostics) -> FabricSpec:
    """The file with what its tables add."""
    if not any(site.tables or site.dpus for site in spec.sites.values()):
        return spec
    made = {name: _Joined(site, dict(site.nodes)) for name, site in spec.sites.items()}
    for name, joined in made.items():
        for path, span in table_files(spec, name):
            try:
                read(spec, name, path, span, joined, found)
            except InputError as error:
                found.items += error.diagnostics
    sites = {}
    known = {node for joined in made.values() for node in (*joined.nodes, *_hosts(joined.nodes))}
    skipped = set[str]().union(*(joined.skipped for joined in made.values()))
    used: Used = {}
    for name, joined in made.items():
        cables = [*joined.site.cables, *added(spec, name, joined, known, skipped, used, found)]
        nodes, cables = with_dpus(spec, name, joined, cables, found)
        sites[name] = joined.site.model_copy(update={"nodes": nodes, "cables": cables})
        told(spec, name, joined, found)
    out = spec.model_copy(update={"sites": sites})
    out._elsewhere = {key: span for joined in made.values() for key, span in joined.at.items()}
    return out


def _hosts(nodes: dict[str, SiteNode]) -> Iterator[str]:
    return (node.host for node in nodes.values() if node.host)


def table_files(spec: FabricSpec, site: str) -> Iterator[tuple[Path, Span | None]]:
    """The files that `tables` of a site names, those of directories by name."""
    folder = spec.path.parent if spec.path else Path()
    for number, text in enumerate(spec.sites[site].tables):
        path, span = Path(os.path.normpath(folder / text)), spec.at("sites", site, "tables", number)
        if not asked("directory", path):
            yield path, span
            continue
        names = sorted(name for name, is_folder, _ in entries(path) if not is_folder)
        yield from ((path / name, span) for name in names if name.endswith(SUFFIXES))


def read(
    spec: FabricSpec, name: str, path: Path, span: Span | None, into: _Joined, found: Diagnostics
) -> None:
    """Add the nodes of a table to a site, and keep its cables."""
    if refused := spec._trees and spec._trees.refusal(path, span):
        raise InputError(refused)
    if not there(path):
        raise InputError(Diagnostic("C350", f"there is no {path}", span))
    table = read_table(path)
    into.passed["planned or taken away"] += table.gone
    ours = any(slug(row.site) == name for row in table.nodes)
    for row in table.nodes:
        where = slug(row.site)
        if where not in ("", name) and (ours or where in spec.sites or len(spec.sites) > 1):
            if where not in spec.sites:
                into.passed[f"of site {where}"] += 1
                into.skipped.add(row.name)
        elif not row.role:
            into.passed[f"of role {visible(row.said) or 'none'}"] += 1
            into.skipped.add(row.name)
        elif (seen := node_of(row, found)) is not None:
            join(spec, name, row, seen, into, found)
    into.seen += table.cables


def node_of(row: SeenNode, found: Diagnostics) -> SiteNode | None:
    """A row as a node, if its values are such."""
    values: dict[str, Any] = {"role": row.role}
    values |= {"rack": slug(row.rack)} if row.rack else {}
    values |= {"host": row.host} if row.host and row.role == "dpu" else {}
    values |= {"loopback": row.loopback.partition("/")[0]} if row.loopback else {}
    for number, said in (("pod", row.pod), ("asn", row.asn)):
        if said:
            values[number] = int(said) if re.fullmatch(r"[0-9]{1,10}", said) else said
    try:
        NAMES.validate_python(row.name)
        return SiteNode.model_validate(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        key, text = next(iter(wrong["loc"]), "name"), visible(str(wrong["input"]))
        what = f'{visible(row.name)}: "{text}" cannot be its {key}'
        found.error("C350", what, row.span)
        return None


def join(
    spec: FabricSpec,
    site: str,
    row: SeenNode,
    seen: SiteNode,
    into: _Joined,
    found: Diagnostics,
) -> None:
    """Rule 1, for a node."""
    key = "sites", site, "nodes", row.name
    known = into.nodes.get(row.name)
    if known is None:
        into.nodes[row.name], into.at[key] = seen, row.span
        return
    mine = {k: getattr(known, k) for k in known.model_fields_set}
    theirs = {k: getattr(seen, k) for k in seen.model_fields_set}
    other = into.at.get(key) or spec.at_key(*key)
    for what in sorted(k for k in mine.keys() & theirs.keys() if mine[k] != theirs[k]):
        text = f"{row.name} has {what} {mine[what]} at {other}, and {theirs[what]} here"
        found.warn("C352", text, row.span, "the first one counts")
    into.nodes[row.name] = SiteNode.model_validate({**theirs, **mine})


def added(
    spec: FabricSpec,
    site: str,
    joined: _Joined,
    known: set[str],
    skipped: set[str],
    used: Used,
    found: Diagnostics,
) -> Iterator[SiteCable]:
    """The cables that tables add to those of the file (rules 1 to 3)."""
    number = len(joined.site.cables)
    for i, cable in enumerate(joined.site.cables):
        _, ends = ends_of(cable)
        if ends is not None:
            note(ends, spec.at("sites", site, "cables", i), used)
    for row in joined.seen:
        names = [resolved(name, known, skipped) for name in (row.a, row.b)]
        if None in names:
            strange = [n for n, ours in zip((row.a, row.b), names, strict=True) if ours is None]
            if any(name in skipped or short(name) in skipped for name in strange):
                joined.passed["cables of devices that are passed over"] += 1
            else:
                joined.strange.update(visible(name) or "nobody" for name in strange)
            continue
        ends = ((str(names[0]), row.a_port or None), (str(names[1]), row.b_port or None))
        other = note(ends, row.span, used)
        if other is not None:
            pair, span = other
            if pair != frozenset(ends):
                text = f"{told_ends(ends)}, and at {span} {told_ends(sorted(pair, key=str))}"
                found.warn("C352", f"here is {text}", row.span, "the first one counts")
            continue
        joined.at["sites", site, "cables", number] = row.span
        number += 1
        speed = int(row.speed) if re.fullmatch(r"[1-9][0-9]{0,4}", row.speed) else None
        yield SiteCable(between=[told_end(end) for end in ends], speed=speed)


def note(
    ends: Ends,
    span: Span | None,
    used: Used,
) -> Cabled | None:
    """Remember a cable at its ports; the one that is at either of them already, if there is one."""
    ports = [(name, port) for name, port in ends if port]
    other = next((used[port] for port in ports if port in used), None)
    if other is None:
        used.update(dict.fromkeys(ports, (frozenset(ends), span)))
    return other


def told_end(end: Any) -> str:
    """An end as a cable has it."""
    name, port = end
    return f"{name}:{port}" if port else str(name)


def told_ends(ends: Iterable[Any]) -> str:
    """A cable."""
    return " -- ".join(map(told_end, ends))


def short(name: str) -> str:
    """A name without its domain."""
    return name.partition(".")[0]


def resolved(name: str, known: set[str], skipped: set[str]) -> str | None:
    """The node that a table means, None where there is none (rule 3)."""
    ways = (name, short(name))
    return next((way for way in ways if way in known and way not in skipped), None)


def with_dpus(
    spec: FabricSpec,
    site: str,
    joined: _Joined,
    cables: list[str | SiteCable],
    found: Diagnostics,
) -> tuple[dict[str, SiteNode], list[str | SiteCable]]:
    """Rule 4."""
    form, nodes = joined.site.dpus, joined.nodes
    if form is None:
        return nodes, cables
    if form.count(HOST) != 1 or "{" in form.replace(HOST, ""):
        found.error("C350", f'"{visible(form)}" names no DPU', spec.at("sites", site, "dpus"),
                    f'write "{HOST}-dpu"')  # fmt: skip
        return nodes, cables
    have = {*_hosts(nodes)}
    named = {n: form.replace(HOST, n) for n, node in nodes.items() if node.role == "host"}
    named = {host: dpu for host, dpu in named.items() if host not in have and dpu not in nodes}
    out: dict[str, SiteNode] = {}
    for name, node in nodes.items():
        if name not in named:
            out[name] = node
            continue
        values = {**node.model_dump(exclude_unset=True), "role": "dpu", "host": name}
        out[named[name]] = SiteNode.model_validate(values)
        key = "sites", site, "nodes"
        where = joined.at.pop((*key, name), None) or spec.at_key(*key, name)
        if where is not None:
            joined.at[(*key, named[name])] = where
    return out, [moved(cable, named) for cable in cables]


def moved(cable: str | SiteCable, named: dict[str, str]) -> str | SiteCable:
    """A cable, with DPUs in the place of their hosts."""
    _, ends = ends_of(cable)
    if ends is None or not any(name in named for name, _ in ends):
        return cable
    between = [told_end((named.get(name, name), port)) for name, port in ends]
    return SiteCable(between=between, speed=getattr(cable, "speed", None))


def told(spec: FabricSpec, site: str, joined: _Joined, found: Diagnostics) -> None:
    """C351: what was passed over."""
    counts = [(what, n) for what, n in joined.passed.items() if n]
    if joined.strange:
        dots = ", …" if len(joined.strange) > SHOWN else ""
        names = ", ".join([*joined.strange][:SHOWN]) + dots
        counts.insert(0, (f"cables to {names}, which is no node here", joined.strange.total()))
    if counts:
        some = "; ".join(f"{n:,} {what}" for what, n in counts)
        text = f'tables of site "{site}": passed over are {some}'
        found.warn("C351", text, spec.at("sites", site, "tables"))
