"""Who reaches whom across the tenants, zones and route targets of a fabric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloison.render.formats import FORMATS, folded, visible, written
from cloison.render.table import WrittenTable
from cloison.views.access.doubts import doubts, handed_on
from cloison.views.caveats.unknowns import below, computed, notes, with_records
from fabric.kubernetes.unmodelled.unevaluated import pending
from sim.reach.access import PARTS, asked
from sim.reach.asked_reach import AskedReach
from sim.reach.fabric_doors import fabric_doors

if TYPE_CHECKING:
    from cloison.views.access.doubts import Doubts
    from cloison.views.world import World
    from compiler.policy.ir import Origin
    from fabric.building.network import Network
    from sim.proof.pairs.reachability import Bits, Reach
    from sim.reach.access import Access
    from sim.reach.fabric_doors import FabricDoor

SCHEMA = "cloison/reach/1"
COLUMNS = ("source", "destination", "ports", "because")
FACTS = ("source", "destination", "ports", "pairs")


@dataclass(frozen=True, slots=True)
class FabricReach:
    """Every pair of workloads that may talk, or those from `source` to `to`, which were asked for:
    `found`; what of it is in doubt; and `note`, what is not listed."""

    reach: AskedReach
    source: str | None
    to: str | None
    found: list[Access]
    doubt: Doubts
    note: str

    @staticmethod
    def of(world: World, source: str | None, to: str | None) -> FabricReach:
        """Raises `InputError` for what nothing is called."""
        reach, network = AskedReach(world, source, to), world.network
        found = asked(lambda: reach.part, network, source, to)
        doubt = doubts(network, lambda: reach.whole, source, to)
        note = "" if source or to else handed_on(network, lambda: reach.whole)
        return FabricReach(reach, source, to, found, doubt, note)

    @property
    def unsure(self) -> bool:
        """Whether something that touches it is not evaluated."""
        return bool(pending(self.doubt.records))

    def doors(self) -> list[FabricDoor]:
        """The ways in that lead to what was asked for; none where somebody asks from whom."""
        network = self.reach.world.network
        into = chosen(network, self.to)
        return [] if self.source else fabric_doors(network, lambda: self.reach.whole, into)

    def table(self) -> WrittenTable:
        """A row per pair of workloads."""
        records = self.doubt.records
        beside = (*notes(records), *filter(None, [self.note]))
        columns = (*FACTS, *self.doubt.columns)
        return WrittenTable(
            tuple(map(self._row, self.found)), "Reach", columns, beside, computed(records),
            write=self.written,
        )  # fmt: skip

    def written(self, output: str) -> str:
        """All of it in a format of rows, or as a picture."""
        if output == "matrix":
            text = "".join(f"{line}\n" for line in matrix(self.found, self.doubt))
            text += below(self.doubt.records)
            return text + (f"{folded(self.note)}\n" if self.note else "")
        lacks = missing(self.reach.part, self.source, self.to)
        if output == "dot":
            text = "".join(f"{line}\n" for line in dot(self.found, self.doubt, lacks))
            return text + (f"// {visible(self.note)}\n" if self.note else "")
        return self._rows(output, lacks)

    def _row(self, row: Access) -> dict[str, Any]:
        return self.doubt.marked(row.source, row.target, row.row())

    def _rows(self, output: str, lacks: list[tuple[str, str]]) -> str:
        shape, network = FORMATS[output], self.reach.world.network
        rows = [self._row(row) | cells(row, shape.cells) for row in self.found]
        ends = [key for key in PARTS if any(key in addresses(row) for row in self.found)]
        columns = (*COLUMNS, *(ends if shape.cells == "plain" else ()), *self.doubt.columns)
        ways_in = self.doors()
        beside: dict[str, Any] = {"doors": [door.row() for door in ways_in]} if ways_in else {}
        beside |= {"not_listed": self.note} if self.note else {}
        rows += [{"not_listed": self.note}] if self.note and shape.beside == "rows" else []
        text = with_records(
            self.doubt.records, rows, network=network, schema=SCHEMA, output=output,
            columns=columns, beside=beside, missing=lacks,
        )  # fmt: skip
        if ways_in and shape.beside == "below":
            rows = list(map(door_text, ways_in))
            text += "\n" + written(rows, schema=SCHEMA, output=output, title="Doors")
        if self.note and shape.beside == "below":
            text += f"\n{shape.sentence(self.note)}\n"
        return text


def missing(reach: Reach, source: str | None, to: str | None) -> list[tuple[str, str]]:
    """Pairs that were asked about and lack something because of an assumed address."""
    from sim.reach.access import senders
    from sim.reach.assumed import Assumed
    from sim.why.pod_classes import workload

    ends, pairs = reach.network.endpoints, reach.pairs
    froms, into = senders(reach.network, source), chosen(reach.network, to)
    rows = [(int(pairs.src[r]), int(pairs.dst[r])) for r in Assumed(reach).misses]
    return sorted({(workload(ends[a]), workload(ends[b])) for a, b in rows if froms[a] and into[b]})


def chosen(network: Network, to: str | None) -> Bits:
    """The endpoints that a destination stands for."""
    import numpy as np

    from sim.reach.access import receivers

    return np.any([some for some, _ in receivers(network, to)], axis=0)  # type: ignore[no-any-return]


def door_text(of: FabricDoor) -> dict[str, str]:
    """A way in for people."""
    from sim.reach.openings import CONTROLLER

    who = "whoever reaches its controller: unknown" if of.via == CONTROLLER else "unknown"
    if of.open_to is not None:
        who = ", ".join(of.open_to) or "nobody beyond the tenant"
    opens = f"{of.kind} {of.tenant}/{of.name}"
    return {"door": opens, "at": of.way, "leads to": f"{of.target}:{of.port}", "open to": who}


def cells(row: Access, kind: str) -> dict[str, Any]:
    """What a format has instead of structure (`cloison.render.formats.Format.cells`)."""
    match kind:
        case "data":
            return {}
        case "plain":
            assumed = "address" if row.assumed else ""
            plain = {"because": because(row), "ports": row.text, "assumed": assumed}
            return plain | {key: ", ".join(found) for key, found in addresses(row).items()}
        case _:
            ends = {"source": row.source, "destination": row.target}
            return {"because": because(row), "ports": ports(row)} | {
                end: f"{name} ({', '.join(part)})"
                for (end, name), part in zip(ends.items(), row.addresses, strict=True)
                if part
            }


def addresses(row: Access) -> dict[str, tuple[str, ...]]:
    """The addresses that a row is about, where it is not about all that an end has."""
    from sim.reach.access import PARTS

    return {key: found for key, found in zip(PARTS, row.addresses, strict=True) if found}


def ports(row: Access) -> str:
    """The ports for people: also whether some pods of a workload fare otherwise, whether something
    must hold besides, and whether the row rests on an assumed address."""
    text = f"{row.text} (not all pods)" if row.partial else row.text
    text = f"{text} (under conditions)" if row.conditional else text
    return f"{text} (assumed)" if row.assumed else text


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
    asks = "under conditions" if row.conditional else ""
    return "; ".join(filter(None, [*parts, asks])) or "no policy"


def named(origin: Origin) -> str:
    """A cause in few words: policies by name and rule, the rest by kind and name."""
    if origin.kind.policy:
        name = origin.name.rpartition("/")[2]
        return name if origin.rule is None else f"{name}#{origin.rule}"
    return f"{origin.kind.said} {origin.name}"


def matrix(found: Sequence[Access], doubt: Doubts) -> Iterator[str]:
    """Workloads × workloads, a letter per cell."""
    from cloison.render.formats import visible

    cells: dict[tuple[str, str], str] = {}
    for row in found:
        key = row.source, row.target
        part = row.conditional or row.partial or any(row.addresses) or not row.ports.all()
        cells[key] = "p" if part or cells.get(key) == "p" else "."
    cells |= {key: "?" for key in cells if doubt.of(*key) == "unknown"}
    sources = sorted({source for source, _ in cells})
    targets = sorted({target for _, target in cells})
    width = len(str(len(targets)))
    more = ", ? unknown" if doubt.columns else ""
    yield f"row: source, column: destination by number; . everything, p a part, X nothing{more}"
    for number, target in enumerate(targets, 1):
        yield f"{number:>{width}} {visible(target)}"
    longest = max((len(visible(source)) for source in sources), default=0)
    yield " " * longest + "".join(f" {n:>{width}}" for n in range(1, len(targets) + 1))
    for source in sources:
        letters = (
            cells.get((source, t), "?" if doubt.of(source, t) == "unknown" else "X")
            for t in targets
        )
        line = "".join(f" {letter:>{width}}" for letter in letters)
        yield f"{visible(source):{longest}}{line}"


def dot(found: Iterable[Access], doubt: Doubts, lacks: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A Graphviz digraph."""
    from cloison.views.access.connectivity import legend, quoted, remarks, unsure
    from sim.names.address_words import from_to

    yield "digraph reach {"
    yield from remarks(lacks)
    yield from legend(doubt.records)
    yield '  rankdir=LR; node [shape=box, fontname="sans-serif"];'
    for row in found:
        ends = f"{quoted(row.source)} -> {quoted(row.target)}"
        said = " ".join(filter(None, (ports(row), from_to(*row.addresses))))
        yield f"  {ends} [label={unsure(said, doubt.of(row.source, row.target))}];"
    yield "}"
