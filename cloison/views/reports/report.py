"""The report of a simulation: as tables for people, as one JSON document for programs.

Rules that hold here:

1. Tables fit 80 columns. What is left out of a cell stands in the JSON.
2. Tenants that are alike share a row (`cloison.views.isolation.alike`).
3. Every finding shows a packet and the line to blame. Speed is the simulator's, never a DPU's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cloison.render.table import Table, escape
from cloison.views.caveats.diagnosed import diagnosed, doubtful, warnings_table
from cloison.views.caveats.unknowns import as_rows, in_short, sentences
from cloison.views.dumps.headroom import headroom, room_table
from cloison.views.isolation.isolation_matrix import grid_table, matrix_table, open_table
from cloison.views.world import World
from compiler.requests.seen_paths import PARAMETERS, SAID
from compiler.targets.profiles import Profile
from compiler.targets.usage import Usage
from fabric.building.cluster import is_cluster
from fabric.kubernetes.unmodelled.unevaluated import accepted
from fabric.values.dialects import KUBERNETES
from fabric.wiring.topology import Role
from sim.pipeline.replay import ReplayReport
from sim.proof.expectations.expect import Outcome
from sim.proof.expectations.own_node_lines import own_node_lines
from sim.proof.prove import Finding, Proof

SCHEMA = "cloison/simulation/1"


@dataclass(frozen=True, slots=True, repr=False)
class Simulation:
    """Everything that a run found. `seconds` maps each stage to its wall time, in order; `sampled`
    says that the replayed flows are random ones, because there are too many pairs."""

    world: World
    target: Profile
    usage: tuple[Usage, ...]
    replay: ReplayReport
    sampled: bool
    proof: Proof
    seconds: Mapping[str, float]

    @property
    def verdict(self) -> str:
        """holds, fails or unknown; of manifests alone, of which nothing is expected, computed
        where everything is evaluated."""
        computed = is_cluster(self.world.network) and not self.proof.pending
        return "computed" if computed and not self.proof.findings else self.proof.verdict

    @property
    def holds(self) -> bool:
        """Whether isolation and every expectation hold."""
        return self.verdict == "holds"

    def __bool__(self) -> bool:
        """Whether it holds: what fails or is unknown is false."""
        return self.holds

    @property
    def matrix(self) -> Table:
        """The isolation matrix, one row per cell."""
        return matrix_table(self.proof)

    @property
    def findings(self) -> Table:
        """What is wrong, each with a packet and the line to look at."""
        return findings_table(self.proof)

    @property
    def warnings(self) -> Table:
        """What is doubtful about the files, the manifests and what was built."""
        return warnings_table(self.world.network)

    def __repr__(self) -> str:
        said = in_words(self.proof) if self.verdict != "computed" else self.verdict
        return f"{self.world.network.spec.name}: {said}{doubtful(self.world.network)}"

    def _repr_html_(self) -> str:
        shown = (*tables(self), self.warnings)
        parts = [table._repr_html_() for table in shown if len(table)]
        left_out = (f"<p>{escape(line)}</p>" for line in sentences(self.proof.not_evaluated))
        return f"<h3>{escape(repr(self))}</h3>" + "".join((*parts, *left_out))


def in_words(proof: Proof) -> str:
    """The verdict in a few words.

    What holds is one word; what fails says how often, what is unknown says why.
    """
    without = accepted(proof.not_evaluated)
    if proof.verdict == "fails":
        return f"{len(proof.findings)} finding{'s' * (len(proof.findings) != 1)}{without}"
    if proof.verdict == "holds":
        return f"holds{without}"
    left_out = (in_short(proof.pending),) if proof.pending else ()
    return f"unknown: {'; '.join((*left_out, *proof.unknown_because))}{without}"


def tables(sim: Simulation) -> Iterator[Table]:
    """The report, section by section."""
    yield size_table(sim)
    yield capacity_table(sim)
    yield replay_table(sim)
    yield grid_table(sim.proof)
    yield open_table(sim.proof)
    yield findings_table(sim.proof)
    yield time_table(sim)


def sizes(sim: Simulation) -> dict[str, Any]:
    """How large the world is, in numbers."""
    network, program = sim.world.network, sim.world.program
    roles = Counter(node.role for node in network.fabric.nodes)
    up = network.underlay.ends.up
    families = Counter(p.version for e in network.endpoints for p in e.prefixes)
    return {
        "nodes": {role.value: roles[role] for role in Role if roles[role]},
        "nodes_down": len(network.fabric.down_nodes),
        "links": len(network.fabric.links),
        "links_down": len(network.fabric.down_links),
        "tenants": len({v.tenant for v in network.vrfs if v.zone == 1}),
        "vrfs": len(network.vrfs),
        "instances": len(network.fib.instances),
        "endpoints": dict(sorted(Counter(e.kind for e in network.endpoints).items())),
        "ipv4_prefixes": families[4],
        "ipv6_prefixes": families[6],
        "sessions": len(up) // 2,
        "sessions_up": int(up.sum()) // 2,
        "type5_routes": len(network.routes),
        "fib_routes": sum(int((chosen >= 0).sum()) for chosen in network.fib.chosen),
        "rules": len(program.policy.rules),
        "groups": len(program.groups),
        "entries": program.n_entries,
    }


def size_table(sim: Simulation) -> Table:
    """How large the world is, in words."""
    n = sizes(sim)
    words = {
        "nodes": counted(n["nodes"]) + down(n["nodes_down"]),
        "links": f"{n['links']:,}{down(n['links_down'])}",
        "tenants": f"{n['tenants']:,} in {n['vrfs']:,} VRFs, zones included",
        "endpoints": f"{counted(n['endpoints'])}; "
        f"{n['ipv4_prefixes']:,} IPv4 and {n['ipv6_prefixes']:,} IPv6 prefixes",
        "BGP sessions": f"{n['sessions_up']:,} of {n['sessions']:,} up",
        "routes": f"{n['type5_routes']:,} Type-5 announced; {n['fib_routes']:,} in "
        f"{n['instances']:,} (VTEP, VRF) FIBs",
        "policy": f"{n['rules']:,} rules → {n['entries']:,} entries in {n['groups']:,} groups",
    }
    rows = tuple({"what": what, "size": size} for what, size in words.items())
    return Table(rows, f"Fabric {sim.world.network.spec.name}", {"what": "", "size": ""})


def down(count: int) -> str:
    """How many of them have failed."""
    return f"; {count:,} down" if count else ""


def counted(counts: Mapping[str, int]) -> str:
    """Kinds with how many there are.

    >>> counted({"leaf": 4, "pod": 1200})
    '4 leaf, 1,200 pod'
    """
    return ", ".join(f"{n:,} {kind}" for kind, n in counts.items())


def capacity(sim: Simulation) -> list[dict[str, Any]]:
    """Per table the fullest enforcement point and what still fits."""
    return [
        {
            "table": room.table,
            "node": room.node,
            "used": room.used,
            "capacity": room.capacity,
            "more_tenants": room.more,
            "source": room.source,
        }
        for room in headroom(sim.world.network, sim.usage)
    ]


def capacity_table(sim: Simulation) -> Table:
    """The same for people."""
    return room_table(sim.world.network, sim.target, sim.usage)


def replay_table(sim: Simulation) -> Table:
    """Verdicts of the replayed packets."""
    total = max(1, sim.replay.packets)
    rows = tuple(
        {"verdict": reason.label, "packets": f"{count:,}", "share": f"{count / total:.1%}"}
        for reason, count in sim.replay.verdicts.items()
        if count
    )
    rate = sim.replay.packets_per_second / 1e6
    flows = f"{sim.replay.packets:,} {'random ' if sim.sampled else ''}flows"
    title = f"Replay: {flows} at {rate:.2f} Mpps (simulator, not a DPU)"
    return Table(rows, title)


def expectation(outcome: Outcome, verdict: str) -> dict[str, Any]:
    """One outcome as a row."""
    claim = outcome.claim
    return {
        "expect": str(claim),
        "line": None if claim.span is None else str(claim.span),
        "verdict": verdict,
        "holds": verdict == "holds",
        "under": outcome.under,
        "pairs": outcome.pairs,
        "pairs_failing": outcome.failing,
    }


def expectations(proof: Proof) -> Iterator[dict[str, Any]]:
    """Every expectation as the network stands, then those that a failure breaks, and those that are
    unknown under one."""
    for outcome, verdict in zip(proof.outcomes, proof.standing(), strict=True):
        yield expectation(outcome, verdict)
    for outcome in proof.under_failure:
        yield expectation(outcome, "fails")
    for outcome, said in zip(proof.outcomes, proof.verdicts(), strict=True):
        doubt = proof.doubts.get(outcome.claim.number)
        if doubt is not None and doubt.under and said == "unknown":
            yield expectation(outcome, "unknown") | {"under": doubt.under.partition(" ")[2]}
        for kind in outcome.claim.hold_under if said == "unknown" else ():
            if kind in proof.untried:
                yield expectation(outcome, "unknown") | {"under": kind}


def findings_table(proof: Proof) -> Table:
    """Findings as rows."""
    rows = tuple(finding(number, found) for number, found in enumerate(proof.findings, 1))
    return Table(rows, "Findings", ("number", "title", "packet", "blame", "line"))


def finding(number: int, found: Finding) -> dict[str, Any]:
    """One finding as a row."""
    culprit = found.culprit
    return {
        "number": number,
        "kind": found.kind,
        "title": found.title,
        "packet": found.packet,
        "verdict": None if found.verdict is None else found.verdict.label,
        "delivered_to": found.elsewhere,
        "pairs": found.pairs,
        "under": found.under,
        "blame": f"{culprit.title}: {culprit.part}",
        "line": None if culprit.span is None else str(culprit.span),
        "also": [str(cause) for cause in found.others],
    }


def hairpin_rows(proof: Proof, permitted: bool = False) -> Iterator[tuple[str, str, list[str]]]:
    """Where the proof rests on the rule against hairpins, or where these are `permitted`: node,
    VRF, VRFs that routes lead to."""
    network = proof.network
    names = [vrf.name for vrf in network.vrfs]
    for (vtep, vrf), to in proof.hairpins.items():
        if network.vrfs[vrf].hairpin == permitted:
            yield network.fabric.nodes[vtep].name, names[vrf], [names[v] for v in to]


def _hairpins(proof: Proof, permitted: bool) -> list[dict[str, Any]]:
    rows = hairpin_rows(proof, permitted)
    return [{"node": node, "vrf": vrf, "leads_to": to} for node, vrf, to in rows]


def _nothing_left(proof: Proof) -> list[dict[str, str]]:
    return [{"expect": str(claim), "hold_under": kind} for claim, kind in proof.nothing_left]


def on_plugins(proof: Proof) -> list[str]:
    """Expectations that rest on a plug-in that holds pods to their policies towards their node."""
    return [str(claim) for claim in own_node_lines(proof.program, proof.outcomes)]


def read_as(proof: Proof) -> list[str]:
    """How paths are read where rules look at requests, and what servers are taken not to do, if an
    expectation is about some."""
    spec = proof.network.spec
    if spec is None or all(outcome.claim.http is None for outcome in proof.outcomes):
        return []
    cilium = (tenant for tenant in spec.tenants.values() if tenant.dialect != KUBERNETES)
    return [*dict.fromkeys(SAID[tenant.http_paths] for tenant in cilium), PARAMETERS]


def proven(proof: Proof) -> dict[str, Any]:
    """What a proof has to say, as data."""
    return {
        "matrix": list(matrix_table(proof)),
        "expectations": list(expectations(proof)),
        "findings": list(findings_table(proof)),
        "exempt": list(proof.exempt),
        "hairpin_drop": _hairpins(proof, False),
        **({"hairpin_permit": found} if (found := _hairpins(proof, True)) else {}),
        "left_out": [
            {
                "failure": name,
                "endpoints": [proof.network.endpoints[e].name for e in ends],
                "services": list(proof.emptied.get(name, ())),
            }
            for name, ends in proof.left_out.items()
        ],
        **({"rest_on_plugins": said} if (said := on_plugins(proof)) else {}),
        **({"nothing_left": left} if (left := _nothing_left(proof)) else {}),
        "assumed": [
            {"endpoint": e.name, "what": sorted(e.assumed)}
            for e in proof.network.endpoints
            if e.assumed
        ],
        **({"assumed_of_requests": said} if (said := read_as(proof)) else {}),
        "unknown_because": list(proof.unknown_because),
        "not_evaluated": as_rows(proof.not_evaluated),
        "diagnostics": diagnosed(proof.network),
    }


def time_table(sim: Simulation) -> Table:
    """Wall time per stage."""
    rows = [{"stage": stage, "seconds": round(s, 3)} for stage, s in sim.seconds.items()]
    rows.append({"stage": "total", "seconds": round(sum(sim.seconds.values()), 3)})
    return Table(tuple(rows), "Time")


def document(sim: Simulation) -> dict[str, Any]:
    """`cloison/simulation/1`: the whole report as data."""
    return {
        "schema": SCHEMA,
        "name": sim.world.network.spec.name,
        "verdict": sim.verdict,
        "holds": sim.holds,
        "size": sizes(sim),
        "target": sim.target.name,
        "capacity": capacity(sim),
        "replay": {
            "packets": sim.replay.packets,
            "sampled": sim.sampled,
            "packets_per_second": round(sim.replay.packets_per_second),
            "verdicts": {r.label: n for r, n in sim.replay.verdicts.items()},
        },
        **proven(sim.proof),
        "seconds": {stage: round(s, 3) for stage, s in sim.seconds.items()},
    }
