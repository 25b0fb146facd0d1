"""What `cloison reach` says of manifests: connections, or some of them, and the ways in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloison.render.formats import FORMATS, folded, visible, written
from cloison.render.table import WrittenTable
from cloison.views.access.asked_peers import as_named, asked_pods, leads, stands_for, takes, title
from cloison.views.access.connectivity import (
    COLUMNS,
    SCHEMA,
    as_cells,
    as_text,
    because,
    dot,
    doubts,
    footnote,
    matrix,
    narrowed,
    peer,
    peer_key,
    structured,
)
from cloison.views.access.doubts import Doubts, pods_of
from cloison.views.access.focus import EVERYTHING, Focus
from cloison.views.access.missing import missing
from cloison.views.caveats.unknowns import below, computed, notes, with_records
from cloison.views.world import World
from fabric.diagnostics import Diagnostic
from fabric.kubernetes.unmodelled.unevaluated import pending
from sim.names.cluster_names import ClusterNames
from sim.names.wanted_ports import split_port
from sim.reach.connectivity import Connection, Connectivity, Peer, connectivity
from sim.reach.doors_of_clusters import Door, doors
from sim.reach.openings import CONTROLLER


@dataclass(frozen=True, slots=True)
class ClusterReach:
    """The connectivity of a cluster, or the part of it that was asked for or is in focus: `chosen`;
    what of it is in doubt, pairs that lack something because of an assumed address (`lacking`), and
    ways in. `lints` are what is doubtful about its policies."""

    connectivity: Connectivity
    chosen: list[Connection]
    doubt: Doubts
    lacking: list[tuple[str, str]]
    doors: list[Door]
    lints: Sequence[Diagnostic]

    @staticmethod
    def of(
        world: World,
        source: str | None,
        to: str | None,
        lints: Sequence[Diagnostic] = (),
        focus: Focus = EVERYTHING,
    ) -> ClusterReach:
        """Raises `InputError` for what nothing is called."""
        names = ClusterNames(world.network)
        source, to = (text and as_named(names, text) for text in (source, to))
        asked = stands_for(names, to)
        ends = [split_port(text)[0] for text in asked if text]
        into = frozenset[Peer]().union(*(asked_pods(world, end) for end in ends))
        pods = [asked_pods(world, source), into]
        found = connectivity(world, pods[0] | pods[1])
        lacking = sorted({pair for text in asked for pair in missing(found, source, text)})
        chosen = [
            c
            for text in asked
            for c in narrowed(found, source, text)
            if all(
                end in own or end not in found.pods
                for end, own in zip((c.source, c.target), pods, strict=True)
            )
        ]
        behind = () if to is None else pods_of(world.network, split_port(to)[0])
        ways_in = [d for d in doors(found) if takes(d, source)]
        ways_in = [d for d in ways_in if to is None or any(leads(found, d, end) for end in ends)]
        doubt = doubts(found, source, behind)
        return ClusterReach(
            found, focus.chosen(found, chosen), doubt, lacking, ways_in, tuple(lints)
        )

    @property
    def unsure(self) -> bool:
        """Whether something that touches it is not evaluated."""
        return bool(pending(self.doubt.records))

    def table(self) -> WrittenTable:
        """A row per connection: those of `-o json`, and ends as people read them."""
        found, doubt = self.connectivity, self.doubt
        rows = tuple(
            doubt.marked(
                peer_key(c.source),
                peer_key(c.target),
                structured(found, c)
                | {"source": title(found, c.source), "destination": title(found, c.target)}
                | {"because": because(c)},
            )
            for c in self.chosen
        )
        columns = (*COLUMNS, *doubt.columns)
        return WrittenTable(
            rows, "Reach", columns, notes(doubt.records), computed(doubt.records),
            write=self.written,
        )  # fmt: skip

    def written(self, output: str) -> str:
        """All of it in a format of rows, or as a picture."""
        found, chosen, doubt = self.connectivity, self.chosen, self.doubt
        if output == "matrix":
            text = "".join(f"{visible(line)}\n" for line in matrix(found, chosen, doubt))
            return text + below(doubt.records) + self._footnote(gap=False)
        if output == "dot":
            picture = dot(found, chosen, doubt, self.lacking)
            return "".join(f"{line}\n" for line in picture)
        shape = FORMATS[output]
        make = {"plain": as_cells, "text": as_text, "data": structured}[shape.cells]
        rows = [
            doubt.marked(peer_key(c.source), peer_key(c.target), make(found, c)) for c in chosen
        ]
        columns = COLUMNS | {name: name for name in doubt.columns}
        beside = {"doors": list(map(door, self.doors))} if self.doors else None
        text = with_records(
            doubt.records, rows, network=found.reach.network, schema=SCHEMA, output=output,
            columns=columns, beside=beside, missing=self.lacking, more=self.lints,
        )  # fmt: skip
        if shape.beside != "below":
            return text
        if self.doors:
            rows = list(map(door_text, self.doors))
            text += "\n" + written(rows, schema=SCHEMA, output=output, title="Doors")
        return text + self._footnote(gap=shape.gap)

    def _footnote(self, gap: bool) -> str:
        note = footnote(self.connectivity, self.chosen)
        return f"\n{note if gap else folded(note)}\n" if note else ""


def door(of: Door) -> dict[str, Any]:
    """A way in as data; `open_to` is null where it is unknown."""
    open_to = None if of.open_to is None else list(of.open_to)
    leads_to = peer(of.target)
    return {
        "kind": of.kind, "name": of.name, "at": of.way, "service": of.service or None,
        "leads_to": leads_to, "port": of.port, "via": of.via or None, "open_to": open_to,
        **({"conditional": True} if of.conditional else {}),
    }  # fmt: skip


def door_text(of: Door) -> dict[str, str]:
    """A way in for people."""
    who = "unknown" if of.open_to is None else ", ".join(of.open_to) or "nobody outside"
    who = "whoever reaches its controller: unknown" if of.via == CONTROLLER else who
    who += " (under conditions)" if of.conditional else ""
    target = f"{of.target.namespace}/{of.target.name}:{of.port}"
    return {"door": f"{of.kind} {of.name}", "at": of.way, "leads to": target, "open to": who}
