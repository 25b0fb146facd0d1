"""prove: isolation for all packets of both IP versions, or a packet that breaks it.

What counts as a finding:

1. an `expect:` line that does not hold, also under the failures that it names;
2. a route that is imported without a declared intent, and whatever else `Network.findings` holds;
3. packets that pass between VRFs although no leak, peering or zone rule says so.

Every finding has a concrete packet where there can be one, and a line to look at. A proof without a
finding holds only if nothing that was read is left out of it (`sim.wording.verdicts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

from compiler.program.program import Program
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, Span
from fabric.io.phases import phase
from fabric.io.uncollected import uncollected
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, pending
from fabric.wiring.budget import HINT
from sim.blocks.onward import hairpins
from sim.names.address_words import blocks_of, from_to, rectangles
from sim.packets.reasons import Reason
from sim.pipeline.trace import Trace
from sim.proof.availability.failures import Failures, emptied, left_out, nothing_left, quiet
from sim.proof.availability.hold_under import check_failures
from sim.proof.crowded import crowd, too_many_for_failures
from sim.proof.expectations.expect import (
    Breach,
    Claim,
    Outcome,
    check_claim,
    counts_of,
    read_claims,
)
from sim.proof.expectations.request_paths import first_refused
from sim.proof.expectations.request_ways import conditions
from sim.proof.isolation.matrix import Matrix, matrix
from sim.proof.isolation.vrf_pairs import Isolation, isolation
from sim.proof.pairs.narrow import refuse_rewritten
from sim.proof.pairs.reachability import Reach, reachability
from sim.proof.pairs.witness import Witness, along_route, holding, label, reached, stopped
from sim.proof.ways_around.against import Against, if_failing
from sim.proof.ways_around.detours import record_key
from sim.proof.ways_around.machines import Machines
from sim.sweep.runner import SERIAL, Runner
from sim.why.blame import Cause, blame
from sim.why.request_answers import behind_request
from sim.wording.verdicts import Verdict, empty, speaking, touched_by, touching, worst
from sim.worlds.world import World

REQUESTS = "C903"
"""An expectation about requests is undecided."""
SAMPLES = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is expectation, import or isolation; `pairs` says for how many pairs (both families)
    it is true; `under` names the failure that it needs, `elsewhere` the endpoint that a packet
    reaches in place of the one that it was meant for."""

    kind: str
    title: str
    culprit: Cause
    others: tuple[Cause, ...] = ()
    witness: Witness | None = None
    packet: str | None = None
    verdict: Reason | None = None
    pairs: int = 1
    under: str | None = None
    elsewhere: str | None = None

    def __str__(self) -> str:
        packet = f"\n  packet: {self.packet}" if self.packet else ""
        return f"{self.title}{packet}\n  blame: {self.culprit}"


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict on a network. `outcomes` has every expectation as the network stands;
    `under_failure` those that fail when something else does. `besides` is what else is not
    evaluated because an expectation forbids it (`sim.proof.ways_around.against`); `doubts` has per
    expectation (by number) the first of it that nobody accepted. `left_out` has by failure the
    endpoints that no expectation asks about then, `emptied` the Services of which no pod is left
    then; `nothing_left` has expectations with kinds of failures under which they ask nothing;
    `untried` says of kinds of `hold_under` why no budget has what it takes to try them, which
    leaves whoever asks for them unknown; `hairpins` is where routes lead on from a VTEP, and to
    which VRFs (`sim.blocks.onward`)."""

    reach: Reach
    matrix: Matrix
    outcomes: tuple[Outcome, ...]
    under_failure: tuple[Outcome, ...]
    findings: tuple[Finding, ...]
    failures: int = 0
    besides: tuple[Unevaluated, ...] = ()
    doubts: Mapping[int, Unevaluated] = field(default_factory=dict)
    left_out: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    emptied: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nothing_left: tuple[tuple[Claim, str], ...] = ()
    untried: Mapping[str, str] = field(default_factory=dict)
    hairpins: Mapping[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)

    @property
    def network(self) -> Network:
        """What exists."""
        return self.reach.network

    @property
    def program(self) -> Program:
        """What is allowed."""
        return self.reach.program

    @property
    def verdict(self) -> Verdict:
        """holds, fails, or unknown."""
        if self.findings:
            return "fails"
        return "unknown" if self.pending or self.unknown_because else "holds"

    @property
    def holds(self) -> bool:
        """Whether nothing was found, and nothing is unknown."""
        return self.verdict == "holds"

    def __bool__(self) -> bool:
        """Whether it holds: what fails or is unknown is false."""
        return self.holds

    @property
    def not_evaluated(self) -> tuple[Unevaluated, ...]:
        """What was read and is not modelled, and touches the network or an expectation."""
        return *self.network.not_evaluated, *self.besides

    @property
    def pending(self) -> tuple[Unevaluated, ...]:
        """What is not evaluated and touches the proof."""
        return pending(self.not_evaluated)

    @property
    def unknown_because(self) -> tuple[str, ...]:
        """Why there was nothing to prove, if so, and what it is that was too much to try."""
        told = dict.fromkeys(self.untried.values())
        named = {
            s: ", ".join(kind for kind, said in self.untried.items() if said == s) for s in told
        }
        cut = (f"[C694] {kinds}: {said}; {HINT}" for said, kinds in named.items())
        open_ = (f"[{REQUESTS}] {o.claim}: {o.undecided}" for o in self.outcomes if o.undecided)
        return (*empty(self.network, len(self.outcomes)), *cut, *open_)

    def verdicts(self) -> list[Verdict]:
        """One per expectation, in order, also under the failures that it names."""
        broken = {o.claim.number for o in self.under_failure}
        return [
            "fails"
            if o.claim.number in broken
            else worst([said, "unknown"] if self._open(o.claim) else [said])
            for o, said in zip(self.outcomes, self.standing(), strict=True)
        ]

    def _open(self, claim: Claim) -> bool:
        """Whether something leaves an expectation unknown that may hold as things are."""
        return claim.number in self.doubts or any(kind in self.untried for kind in claim.hold_under)

    def standing(self) -> list[Verdict]:
        """One per expectation, in order, as the network stands."""
        found, network = touching(self.network), self.network

        def doubted(claim: Claim) -> bool:
            touched = touched_by(found, network, claim.source, claim.target)
            own = self.doubts.get(claim.number)
            return bool(pending(speaking(touched, claim.kind)) or (own and not own.under))

        return [
            "fails" if not o.holds else "unknown" if o.undecided or doubted(o.claim) else "holds"
            for o in self.outcomes
        ]

    @property
    def exempt(self) -> tuple[str, ...]:
        """Host-network pods: they have their node's address, and policies do not select them."""
        return tuple(sorted(alias for e in self.network.endpoints for alias in e.aliases))


@phase("prove")
@uncollected()
def prove(world: World, *, tell: Callable[[str], None] = quiet, runner: Runner = SERIAL) -> Proof:
    """Decide isolation and every expectation; `tell` hears what is being done, `runner` tries
    failures."""
    network = world.network
    claims = read_claims(network.spec, network) if network.spec else ()
    for claim in claims:
        refuse_rewritten(network, claim.limits)
    tell("reachability")
    reach = reachability(world, stand_ins=crowd(world, claims))
    outcomes = tuple(check_claim(reach, claim) for claim in claims)
    findings = [f for outcome in outcomes for f in explain_breaches(reach, outcome)]
    broken: list[Outcome] = []
    failures = Failures(reach, tell)
    against = Against(reach, claims)
    beside = against.as_things_are(), Machines(network).against(reach, claims)
    told = [item for found in beside for item in found.items()]
    asked = {kind: None for claim in claims for kind in claim.hold_under}
    if asked and reach.stand_ins is not None:
        failures.untried |= dict.fromkeys(asked, too_many_for_failures(world))
    elif asked:
        with phase("try failures"):
            for failed in check_failures(failures, claims, against, runner):
                if _is_news(failed.outcome, outcomes, broken):
                    findings += explain_breaches(failed.reach(), failed.outcome)
                    broken.append(failed.outcome)
                told.append((failed.outcome.claim.number, failed.detours))
    told += if_failing(network, claims)
    tell("isolation matrix")
    apart = isolation(world.blocks, reach)
    table = matrix(reach, apart)
    findings += [_of_diagnostic(reach, diagnostic) for diagnostic in network.findings]
    findings += _undeclared(reach, apart)
    proof = Proof(reach, table, outcomes, tuple(broken), tuple(findings), len(failures.tried))
    if not failures.untried or reach.stand_ins is None:
        proof = replace(proof, left_out=left_out(world, claims), emptied=emptied(world, claims))
        proof = replace(proof, nothing_left=nothing_left(world, claims))
    proof = replace(proof, untried=failures.untried, hairpins=hairpins(world.blocks))
    return _with_doubts(proof, told)


def _with_doubts(proof: Proof, told: Iterable[tuple[int, tuple[Unevaluated, ...]]]) -> Proof:
    """The proof with what speaks against its expectations, each Service and workload once."""
    besides: dict[tuple[str, ...], Unevaluated] = {}
    doubts: dict[int, Unevaluated] = {}
    for number, records in told:
        for record in records:
            besides.setdefault(record_key(record), record)
        for record in pending(records):
            doubts.setdefault(number, record)
    return replace(proof, besides=tuple(besides.values()), doubts=doubts)


def _is_news(outcome: Outcome, before: tuple[Outcome, ...], broken: list[Outcome]) -> bool:
    """Whether a failure breaks a claim that held, and no failure before broke it."""
    known = {o.claim.number for o in (*before, *broken) if not o.holds}
    return not outcome.holds and outcome.claim.number not in known


def explain_breaches(reach: Reach, outcome: Outcome) -> list[Finding]:
    """One finding per culprit of a claim that fails, with the first packet that shows it."""
    found: dict[tuple[bool, str, Span | None], Finding] = {}
    for breach, pairs in _alike(reach, outcome.breaches)[:SAMPLES]:
        finding = _explain(reach, outcome, breach, pairs)
        key = breach.reached, finding.culprit.title, finding.culprit.span
        first = found.setdefault(key, finding)
        if first is not finding:
            found[key] = replace(first, pairs=first.pairs + pairs)
    return list(found.values())


def _explain(reach: Reach, outcome: Outcome, breach: Breach, pairs: int) -> Finding:
    witness = _witness(reach, outcome.claim.at(breach.dst), breach)
    trace = witness.trace(reach)
    guilty = blame(reach.world, trace, breach.dst)
    under = f" {outcome.word} {outcome.under}" if outcome.under else ""
    what = "a packet gets through" if breach.reached else "a packet does not get through"
    if asked := conditions(trace, breach.dst):
        what = f"a packet gets through {'' if breach.reached else 'only '}if {' and '.join(asked)}"
        refused = None if breach.reached else first_refused(reach.network, trace)
        what += f"; {refused} does not" if refused else ""
    if breach.shown is not None:
        what = f"{breach.shown.request} {'gets' if breach.reached else 'does not get'} through"
        guilty = behind_request(reach.network, reach.program, trace, breach.shown.request, guilty)
    if not breach.reached and (other := elsewhere(reach.network, trace, breach.dst)):
        what = f"a packet goes to {other} instead"
    if not breach.reached and (part := _part(reach, outcome.claim.at(breach.dst), breach)):
        what += f"; holds {part}"
    return Finding(
        "expectation",
        f"{outcome.claim} fails{under}: {what}",
        guilty.culprit,
        guilty.others,
        witness,
        label(reach.network, witness),
        trace.reason,
        pairs,
        outcome.under,
        elsewhere(reach.network, trace, breach.dst),
    )


def elsewhere(network: Network, trace: Trace, meant: int) -> str | None:
    """The endpoint that got a packet which was meant for another one."""
    if trace.reason is not Reason.DELIVERED or trace.target in (None, meant):
        return None
    return network.endpoints[trace.target].name if trace.target is not None else None


def _part(reach: Reach, claim: Claim, breach: Breach) -> str:
    """For which addresses of the pair a failing `allow` holds, where it does for some."""
    version = breach.version
    held = holding(reach, breach.src, breach.dst, version, claim.ports, claim.limits)
    words = [
        from_to(blocks_of(sources, version), blocks_of(targets, version))
        for sources, targets in rectangles(held)
    ]
    more = f", and {len(words) - 1} more such parts" if len(words) > 1 else ""
    return "".join(words[:1]) + more


def _alike(reach: Reach, breaches: tuple[Breach, ...]) -> list[tuple[Breach, int]]:
    """One breach for each pair of workloads, and how many there are."""

    def kind(breach: Breach) -> tuple[bool, str, str]:
        ends = (reach.network.endpoints[e] for e in (breach.src, breach.dst))
        names = [e.name.rsplit("/", 1)[0] + "/" + (e.workload or e.name) for e in ends]
        return breach.reached, names[0], names[1]

    grouped = groupby(sorted(breaches, key=lambda b: (*kind(b), b.version)), kind)
    groups = [list(group) for _, group in grouped]
    return [(group[0], int(counts_of(reach, group).sum())) for group in groups]


def _witness(reach: Reach, claim: Claim, breach: Breach) -> Witness:
    if breach.shown is not None:
        return breach.shown.witness
    if breach.reached:
        pairs = reach.between(breach.src, breach.dst)
        row = pairs.version.tolist().index(breach.version)
        paths = range(int(pairs.first[row]), int(pairs.last[row]))
        found = reached(reach, paths, claim.ports, claim.kind == "only", claim.limits)
        assert found is not None, "a breach without a packet"
        return found
    return stopped(reach, breach.src, breach.dst, breach.version, claim.ports, claim.limits)


def _of_diagnostic(reach: Reach, diagnostic: Diagnostic) -> Finding:
    """A finding of the control plane, with a packet that follows the route that it is about."""
    cause = Cause(
        diagnostic.message, diagnostic.hint or "this line asks for it", diagnostic.span, "route"
    )
    witness = along_route(reach, diagnostic.span)
    packet = label(reach.network, witness) if witness else None
    verdict = witness.trace(reach).reason if witness else None
    return Finding("import", diagnostic.message, cause, (), witness, packet, verdict)


def _undeclared(reach: Reach, apart: Isolation) -> list[Finding]:
    """Packets between VRFs that no intent explains: one finding per pair of VRFs. Where nobody said
    what is wanted there is none."""
    if reach.network.of_devices:
        return []
    out = []
    for crossing in apart.crossings:
        if crossing.undeclared is None:
            continue
        trace = crossing.undeclared.trace(reach)
        guilty = blame(reach.world, trace)
        names = [reach.network.vrfs[v].name for v in (crossing.src, crossing.dst)]
        out.append(
            Finding(
                "isolation",
                f"{names[0]} reaches {names[1]} although no leak, peering or zone rule says so",
                guilty.culprit,
                guilty.others,
                crossing.undeclared,
                label(reach.network, crossing.undeclared),
                trace.reason,
                crossing.pairs,
            )
        )
    return out
