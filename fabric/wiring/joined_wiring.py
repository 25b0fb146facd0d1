"""The wiring of a fabric file together with that of the tables that it names.

Rules that hold here:

1. What the file says wins over tables, an earlier table over a later one. Where they say different
   things about one node or one port, that is a warning (C352) with both lines.
2. A row about a device of another site is that site's. Devices whose role is none of ours are
   passed over with their cables, unless rule 1 says what they are, and so is a cable to a device
   that nobody names; C351 counts.
3. A device is known by its name, or by the first part of it (`leaf1` for `leaf1.example.org`, and
   the other way round where only one has it). One cable that both of its ends see is one
   (`fabric.wiring.seen_cables`).
4. With `dpus: "{host}-dpu"` a host that has no DPU gets one of that name, and its cables are the
   DPU's: inventories list a server with the ports of its DPU.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.spec import FabricSpec, Site, SiteCable, SiteNode
from fabric.io.dependencies import asked, entries
from fabric.io.reading import there
from fabric.io.visible import visible
from fabric.wiring.cable_ends import ends_of, told_end, told_ends
from fabric.wiring.inventory_dpus import NODE_NAME, hosts_of, with_dpus
from fabric.wiring.joined_tenants import with_tenant_tables
from fabric.wiring.seen_cables import OneCable, SeenCables
from fabric.wiring.tenant_tables import TenantTable
from fabric.wiring.wiring_tables import (
    SeenCable,
    SeenNode,
    WiringTable,
    rack_name,
    racks_of_two_locations,
    read_table,
    slug,
)

SUFFIXES = (".csv", ".json")
SHOWN = 4
FASTEST = 25600
"""Gbit/s, as for cables of the file."""


@dataclass(slots=True)
class _Joined:
    """A site in the making. `at` says where nodes and cables stand that tables add; `passed` counts
    what is passed over by why, `skipped` has the names of devices that are, `strange` those that
    nobody knows, with the number of their cables, `racks` what tables call them, and `rooms` where
    they say that these are."""

    site: Site
    nodes: dict[str, SiteNode]
    seen: list[SeenCable] = field(default_factory=list)
    at: dict[tuple[str | int, ...], Span] = field(default_factory=dict)
    passed: Counter[str] = field(default_factory=Counter)
    skipped: set[str] = field(default_factory=set)
    strange: Counter[str] = field(default_factory=Counter)
    racks: dict[str, str] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)


def with_tables(spec: FabricSpec, found: Diagnostics) -> FabricSpec:
    """The file with what its tables add."""
    if not any(site.tables or site.dpus for site in spec.sites.values()):
        return spec
    made = {name: _Joined(site, dict(site.nodes)) for name, site in spec.sites.items()}
    once, tenants = set[str](), list[TenantTable]()
    files = {name: [*table_files(spec, name)] for name in made}
    readers: dict[str, set[str]] = {}
    for name, some in files.items():
        for path, _ in some:
            readers.setdefault(os.path.realpath(path), set()).add(name)
    for name, joined in made.items():
        for path, span in files[name]:
            try:
                there_too = readers[os.path.realpath(path)]
                rows = read(spec, name, path, span, joined, there_too, found)
                if (at := os.path.realpath(path)) not in once:
                    joined.seen += rows.cables
                    tenants += [rows.tenants] if rows.tenants else []
                once.add(at)
            except InputError as error:
                found.items += error.diagnostics
    more: dict[str, list[OneCable]] = {}
    names = DeviceNames.of(made.values())
    seen = SeenCables()
    own = {name: [*written(spec, name, seen)] for name in made}
    for name, joined in made.items():
        more[name] = [*added(spec, name, joined, names, seen, found)]
        number = len(joined.site.cables)
        joined.at |= {
            ("sites", name, "cables", number + n): cable.span
            for n, cable in enumerate(more[name])
            if cable.span is not None
        }
    done = {}
    for name, joined in made.items():
        cables = [*as_written(joined.site.cables, own[name]), *map(spelled, more[name])]
        nodes, cables = with_dpus(spec, name, joined.nodes, cables, joined.at, found)
        done[name] = joined.site.model_copy(update={"nodes": nodes, "cables": cables})
        told(spec, name, joined, found)
    out = spec.model_copy(update={"sites": done})
    out._elsewhere = {key: span for joined in made.values() for key, span in joined.at.items()}
    return with_tenant_tables(out, tenants, found)


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
    spec: FabricSpec,
    name: str,
    path: Path,
    span: Span | None,
    into: _Joined,
    readers: Collection[str],
    found: Diagnostics,
) -> WiringTable:
    """Add the nodes of a table to a site; its cables, and what it says of tenants, are there once
    however many sites, the `readers`, name the table."""
    if refused := spec._trees and spec._trees.refusal(path, span):
        raise InputError(refused)
    if not there(path):
        raise InputError(Diagnostic("C350", f"there is no {path}", span))
    table = read_table(path)
    into.passed["planned or taken away"] += table.gone
    into.passed["cables that are none between two interfaces"] += table.other
    ours = is_about(table, spec, name, path, span, found)
    mine = [row for row in table.nodes if not ours or slug(row.site) in ("", name)]
    twice = racks_of_two_locations(mine)
    for row in table.nodes:
        where, known = slug(row.site), into.nodes.get(row.name)
        role = row.role or (known.role if known else "")
        if where not in ("", name) and (ours or where in spec.sites or len(spec.sites) > 1):
            into.passed[f"of site {where}"] += where not in readers
            if where not in spec.sites:
                into.skipped.add(row.name)
        elif not role:
            into.passed[f"of role {visible(row.said) or 'none'}"] += 1
            into.skipped.add(row.name)
        elif (seen := node_of(row, role, twice, into, found)) is not None:
            join(spec, name, row, seen, into, found)
    return table


def is_about(
    table: WiringTable,
    spec: FabricSpec,
    name: str,
    path: Path,
    span: Span | None,
    found: Diagnostics,
) -> bool:
    """Whether a table speaks of a site by its name. One that speaks of one other site alone is
    taken for that of the only site there is, and told. Raises `InputError` (C350) where it has
    several."""
    about = sorted({slug(row.site) for row in table.nodes} - {""})
    if name in about or not about or len(spec.sites) > 1:
        return name in about
    some = ", ".join(about[:SHOWN]) + ", …" * (len(about) > SHOWN)
    hint = "call the site as its table does"
    if len(about) > 1:
        what = f'{visible(str(path))} is about sites {some}, and none is "{name}"'
        raise InputError(Diagnostic("C350", what, span, hint))
    what = f'{visible(str(path))} is about site {some}: taken for "{name}"'
    found.warn("C351", what, span, hint)
    return False


def node_of(
    row: SeenNode, role: str, twice: Collection[str], into: _Joined, found: Diagnostics
) -> SiteNode | None:
    """A row as a node, if its values are such. Racks that are there `twice` have the names of their
    locations as well."""
    values: dict[str, Any] = {"role": role}
    said = f"{row.location} {row.rack}" if slug(row.rack) in twice else row.rack
    rack = rack_name(said, into.racks) if row.rack else ""
    if rack is None:
        what = f'rack "{visible(said)}" would be one with "{visible(into.racks[slug(said)])}"'
        found.error("C350", what, row.span, "names of racks differ in ASCII letters or digits")
    elif rack and row.location and into.rooms.setdefault(rack, row.location) != row.location:
        first = visible(into.rooms[rack])
        what = (
            f'rack "{visible(said)}" of {visible(row.location)} would be one with that of {first}'
        )
        found.error("C350", what, row.span, "racks of several locations stand in one table")
    values |= {"rack": rack} if rack or (row.rack and rack is not None) else {}
    values |= {"host": row.host} if row.host and role == "dpu" else {}
    values |= {"loopback": row.loopback.partition("/")[0]} if row.loopback else {}
    for number, said in (("pod", row.pod), ("asn", row.asn)):
        if said:
            values[number] = int(said) if re.fullmatch(r"[0-9]{1,10}", said) else said
    try:
        NODE_NAME.validate_python(row.name)
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


def written(spec: FabricSpec, site: str, seen: SeenCables) -> Iterator[OneCable | None]:
    """The cables of the file itself, None for those that cannot be read."""
    for i, cable in enumerate(spec.sites[site].cables):
        _, ends = ends_of(cable)
        span = spec.at("sites", site, "cables", i)
        yield None if ends is None else seen.written(ends, getattr(cable, "speed", None), span)


def as_written(
    cables: Iterable[str | SiteCable], known: Iterable[OneCable | None]
) -> Iterator[str | SiteCable]:
    """The cables of the file, with ports that tables say of them."""
    for cable, one in zip(cables, known, strict=True):
        yield spelled(one) if one is not None and one.filled else cable


def spelled(cable: OneCable) -> SiteCable:
    """A cable as a file has it."""
    return SiteCable(between=[told_end(end) for end in cable.ends], speed=cable.speed)


def added(
    spec: FabricSpec,
    site: str,
    joined: _Joined,
    names: DeviceNames,
    seen: SeenCables,
    found: Diagnostics,
) -> Iterator[OneCable]:
    """The cables that tables add to those of the file (rules 1 to 3)."""
    for row in joined.seen:
        a, b = (names.resolved(name) for name in (row.a, row.b))
        if a is None or b is None:
            strange = [n for n, ours in ((row.a, a), (row.b, b)) if ours is None]
            if any(names.passed_over(name) for name in strange):
                joined.passed["cables of devices that are passed over"] += 1
            else:
                joined.strange.update(visible(name) or "nobody" for name in strange)
            continue
        ends = (a, row.a_port or None), (b, row.b_port or None)
        speed = speed_of(row, found)
        cable, new = seen.listed(ends, speed, row.span, row.span.file)
        if new:
            yield cable
        elif seen.contradicts(cable, ends):
            text = f"{told_ends(ends)}, and at {cable.span} {told_ends(cable.ends)}"
            found.warn("C352", f"here is {text}", row.span, "the first one counts")
        elif None not in (speed, cable.speed) and speed != cable.speed:
            text = f"{told_ends(ends)} has speed {cable.speed} at {cable.span}, and {speed} here"
            found.warn("C352", text, row.span, "the first one counts")
        else:
            cable.speed = cable.speed or speed


def speed_of(row: SeenCable, found: Diagnostics) -> int | None:
    """Gbit/s, where a row says how many."""
    if not row.speed:
        return None
    if re.fullmatch(r"[1-9][0-9]{0,4}", row.speed) and int(row.speed) <= FASTEST:
        return int(row.speed)
    text = f'"{visible(row.speed)}" is no speed of a cable'
    found.error("C350", text, row.span, f"Gbit/s, 1 to {FASTEST:,}")
    return None


@dataclass(frozen=True, slots=True)
class DeviceNames:
    """Names of nodes, and of devices that are passed over; `longer` has the one name that begins
    with a first part."""

    known: set[str]
    skipped: set[str]
    longer: dict[str, str]

    @classmethod
    def of(cls, made: Iterable[_Joined]) -> DeviceNames:
        """Of all sites."""
        known, skipped = set[str](), set[str]()
        for joined in made:
            known |= {*joined.nodes, *hosts_of(joined.nodes)}
            skipped |= joined.skipped
        often = Counter(map(short, known))
        longer = {short(name): name for name in known if often[short(name)] == 1}
        return cls(known, skipped, longer)

    def resolved(self, name: str) -> str | None:
        """The node that a table means, None where there is none (rule 3)."""
        ways = name, short(name), self.longer.get(name, name)
        return next((way for way in ways if way in self.known and way not in self.skipped), None)

    def passed_over(self, name: str) -> bool:
        """Whether it is a device of another kind or site."""
        return name in self.skipped or short(name) in self.skipped


def short(name: str) -> str:
    """A name without its domain."""
    return name.partition(".")[0]


def told(spec: FabricSpec, site: str, joined: _Joined, found: Diagnostics) -> None:
    """C351: what was passed over."""
    counts = [(what, n) for what, n in joined.passed.most_common() if n]
    if more := counts[2 * SHOWN :]:
        counts[2 * SHOWN :] = [("of other kinds", sum(n for _, n in more))]
    if joined.strange:
        dots = ", …" if len(joined.strange) > SHOWN else ""
        names = ", ".join([*joined.strange][:SHOWN]) + dots
        counts.insert(0, (f"cables to {names}, which is no node here", joined.strange.total()))
    if counts:
        some = "; ".join(f"{n:,} {what}" for what, n in counts)
        text = f'tables of site "{site}": passed over are {some}'
        found.warn("C351", text, spec.at("sites", site, "tables"))
