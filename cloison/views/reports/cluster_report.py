"""The report of a simulation of manifests alone: workloads, flows, and who reaches whom.

There is one enforcement point and no underlay, so what a report says about those is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cloison.render.formats import visible
from cloison.render.table import Table
from cloison.views.access.connectivity import doubts, matrix, peer_key, structured
from cloison.views.caveats.unknowns import in_short
from cloison.views.reports.report import Simulation, replay_table, time_table
from cloison.views.reports.report_text import remarks, section
from compiler.policy.source import dialect_of, spoken
from compiler.sources import SOURCES
from fabric.building.cluster import CLUSTER
from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from sim.reach.connectivity import Connectivity, connectivity

MOST = 24
"""Workloads of which a matrix still fits 80 columns."""


def report(sim: Simulation) -> Iterator[Any]:
    """Everything to print, in order."""
    found = connectivity(sim.world)
    yield from section(size_table(sim, found))
    yield from section(replay_table(sim))
    yield from who_reaches_whom(found)
    yield from section(time_table(sim))
    yield from remarks(sim.proof)
    yield verdict(found, sim.proof.pending)


def size_table(sim: Simulation, found: Connectivity) -> Table:
    """How large the cluster is."""
    network, program = sim.world.network, sim.world.program
    manifests = network.manifests[CLUSTER]
    pods = sum(e.kind == "pod" for e in network.endpoints)
    words = {
        "namespaces": f"{len(manifests.namespaces):,}",
        "workloads": f"{len(found.workloads):,}, of {len(manifests.pods):,} pods",
        "endpoints": f"{pods:,} pods, {len(sim.proof.exempt):,} more on their host's network",
        "services": f"{len(manifests.services):,}",
        "NetworkPolicies": (
            f"{policies(network)}: {len(program.policy.rules):,} rules, {program.n_entries:,} "
            f"entries in {len(program.groups):,} groups"
        ),
    }
    rows = tuple({"what": what, "size": size} for what, size in words.items())
    return Table(rows, "Cluster", {"what": "", "size": ""})


def policies(network: Network) -> str:
    """How many policies there are, of all kinds that some source evaluates in a cluster."""
    dialect = dialect_of(network, CLUSTER)
    claims = [c for source in SOURCES for c in spoken(source.claims, dialect) if not c.aid]
    ours, wide = (
        len(network.manifests[CLUSTER].claimed([c for c in claims if c.namespaced is namespaced]))
        for namespaced in (True, False)
    )
    return f"{ours:,}" + (f", and {wide:,} cluster-wide" if wide else "")


def who_reaches_whom(found: Connectivity) -> Iterator[str]:
    """The connectivity matrix, where it is not too wide."""
    if len(found.workloads) <= MOST:
        doubt = doubts(found)
        yield "\n".join(map(visible, matrix(found, found.connections, doubt)))
    else:
        yield f"Who reaches whom: cloison reach lists {len(found.connections):,} connections."
    yield ""


def verdict(found: Connectivity, left_out: Sequence[Unevaluated]) -> str:
    """The last line."""
    if left_out:
        return f"Unknown: {in_short(left_out)}; pairs marked ? are unknown."
    inside = [c for c in found.connections if "External" not in (c.source.kind, c.target.kind)]
    open_ = len({(c.source, c.target) for c in inside if c.source != c.target})
    public = len({c.target for c in found.connections if c.source.kind == "External"})
    count = len(found.workloads)
    return (
        f"{open_:,} of {count * (count - 1):,} pairs of workloads may talk on some port; "
        f"{public:,} of {count:,} workloads can be reached from outside."
    )


def connections(sim: Simulation) -> list[dict[str, Any]]:
    """Who reaches whom, as data: the rows of `cloison/connectivity/1`."""
    found = connectivity(sim.world)
    doubt = doubts(found)
    return [
        doubt.marked(peer_key(c.source), peer_key(c.target), structured(found, c))
        for c in found.connections
    ]
