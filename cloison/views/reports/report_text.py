"""The report of a simulation as text: sections of 80 columns, findings with the line to blame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid
from rich.text import Text

from cloison.render.diagnostics import Excerpts
from cloison.render.formats import table, titled, visible
from cloison.render.table import Table
from cloison.views.caveats.cited import otherwise, quoted
from cloison.views.caveats.unknowns import sentences, way_on
from cloison.views.dumps.headroom import headroom, tightest
from cloison.views.isolation.isolation_matrix import grid_table, open_table
from cloison.views.network.emptied import words as emptied_words
from cloison.views.reports.report import (
    capacity_table,
    hairpin_rows,
    in_words,
    on_plugins,
    read_as,
    replay_table,
    size_table,
    time_table,
)
from fabric.kubernetes.unmodelled.unevaluated import accepted
from fabric.values.instants import told
from sim.proof.prove import Finding, Proof
from sim.worlds.axes import sweep

if TYPE_CHECKING:
    from cloison.views.reports.report import Simulation


def report(sim: Simulation) -> Iterator[Any]:
    """Everything to print, in order."""
    yield from section(size_table(sim))
    yield from section(capacity_table(sim))
    yield from room(sim)
    yield from section(replay_table(sim))
    yield from section(grid_table(sim.proof))
    yield from section(open_table(sim.proof))
    yield from section(time_table(sim))
    yield from findings(sim.proof.findings)
    yield from remarks(sim.proof)
    yield verdict(sim.proof)


def section(part: Table) -> Iterator[Any]:
    """A table with its title and an empty line, or nothing when it is empty."""
    if part.rows:
        yield from titled(part.title, table(part.rows, part.columns))
        yield ""


def room(sim: Simulation) -> Iterator[str]:
    """How many more tenants fit, and what fills up then."""
    tight = tightest(headroom(sim.world.network, sim.usage))
    if tight:
        full = f"{tight.table} of {tight.node} are full"
        yield f"Room for {tight.more:,} more such tenants; then {full}."
        yield ""


def findings(found_all: Iterable[Finding]) -> Iterator[Any]:
    """Each finding: what is wrong, a packet that shows it, the line to blame."""
    lines = Excerpts({})
    for number, found in enumerate(found_all, 1):
        yield Text(f"Finding {number}: {visible(found.title)}", style="bold red")
        grid = Grid.grid(padding=(0, 1))
        for label, words in details(found, lines):
            grid.add_row(f"  {label}", Text(visible(words), overflow="fold"))
        yield grid
        yield ""


def details(found: Finding, lines: Excerpts) -> Iterator[tuple[str, str]]:
    """The packet, the blame with its line, and what else had a part."""
    if found.packet:
        yield "packet", found.packet
    if found.verdict is not None:
        more = f"; true of {found.pairs:,} pairs" if found.pairs > 1 else ""
        instead = f", but to {found.elsewhere}" if found.elsewhere else ""
        yield "verdict", found.verdict.label + instead + more
    yield "blame", f"{found.culprit.title}: {found.culprit.part}"
    yield from quoted(found.culprit, lines)
    for cause in found.others:
        yield "also", str(cause)


def remarks(proof: Proof) -> Iterator[str]:
    """What the verdict rests on."""
    yield from otherwise(proof.network)
    assumed = sum(bool(e.assumed & {"address", "host"}) for e in proof.network.endpoints)
    if assumed:
        total = len(proof.network.endpoints)
        yield (
            f"Assumed: address or host of {assumed:,} of {total:,} endpoints "
            "(their manifests have no status)."
        )
    yield from (f"Assumed: {words}." for words in read_as(proof))
    yield from (visible(f"{w.message}.") for w in proof.network.warnings if w.code == "C527")
    if shared := [e.name for e in proof.network.endpoints if e.also_at]:
        yield visible(
            f"Assumed: the borders of {' and of '.join(shared)} share what they track, so that "
            "replies pass at any of them."
        )
    if idle := sum("pod" in e.assumed for e in proof.network.endpoints):
        yield f"Idle: {idle:,} endpoints stand for workloads that have no pods now."
    yield from map(visible, sentences(proof.not_evaluated))
    if proof.pending:
        yield visible(way_on(proof.pending))
    if proof.left_out:
        count = len({end for ends in proof.left_out.values() for end in ends})
        yield (
            f"Left out: {count:,} of the tenants' endpoints, each where its own node fails "
            "(-o json names them)."
        )
    if gone := [(name, under) for under, names in proof.emptied.items() for name in names]:
        yield visible(
            f"No pod is left of {emptied_words(gone)}: nothing is expected of access to it then."
        )
    for claim, kind in proof.nothing_left:
        yield visible(
            f"Nothing is left of {claim} under {kind}: each takes an end of every pair with it, so "
            "that it holds then says nothing."
        )
    for node, vrf, to in hairpin_rows(proof):
        yield visible(
            f"Rests on hairpin_drop at {node}: from a tunnel into {vrf} nothing goes on to "
            f"{', '.join(to)}, as its routes lead."
        )
    for node, vrf, to in hairpin_rows(proof, permitted=True):
        yield visible(
            f"Hairpins are permitted at {node}: from a tunnel into {vrf} packets go on to "
            f"{', '.join(to)}, as its routes lead."
        )
    if said := on_plugins(proof):
        more = f" and {len(said) - 3:,} more" if len(said) > 3 else ""
        yield visible(
            "Rests on a plug-in that holds pods to their policies also towards their own node, "
            f"which Kubernetes leaves open: {'; '.join(said[:3])}{more}."
        )
    exempt = proof.exempt
    if exempt:
        yield (
            f"Exempt: {len(exempt):,} host-network pods have their node's address; "
            "workload policies do not select them."
        )


def verdict(proof: Proof) -> Text:
    """The last line."""
    name, said = proof.network.spec.name, Counter(proof.verdicts())
    double = any(sweep(k)[1].most > 1 for o in proof.outcomes for k in o.claim.hold_under)
    word = "failures" if double else "single failures"
    tried = f"; {proof.failures:,} {word} tried" if proof.failures else ""
    left = f", {said['unknown']} unknown" if said["unknown"] else ""
    held = f"{said['holds']} of {said.total()} expectations hold{left}{tried}"
    match proof.verdict:
        case "holds":
            without = accepted(proof.not_evaluated)
            sentence = f"{name}: isolation holds for all packets{moment(proof)}; {held}{without}."
            return Text(sentence, style="bold green")
        case "fails":
            style = "bold red"
        case _:
            style = "bold yellow"
    return Text(f"{name}: {in_words(proof)}{moment(proof)}; {held}.", style=style)


def moment(proof: Proof) -> str:
    """When a verdict is true, of a file with windows."""
    judged = proof.network.spec.judged_at
    return f" at {told(judged.moment)}" if judged else ""
