"""explain: one flow from the line of YAML to the last hop, and what would have to change.

For every choice that ECMP has: both policy stages with group, entry and line; the route there and
the route back with the route targets behind them; the path through the underlay. Then the verdict
over all choices, the reply, and whom to thank or blame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from compiler.policy.fields import Values, value_of
from compiler.policy.ir import Condition, Packet, Rule
from compiler.policy.semantics import owners
from compiler.program.program import Program, known_fields
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, accepted, pending
from fabric.values.address_sets import Address
from fabric.values.inventory import Endpoint
from fabric.values.ports import texts
from sim.blocks.port_sets import CLIENT_PORT
from sim.names.address_words import from_to
from sim.names.ends import Destination, address_of
from sim.names.wanted_ports import packet_port
from sim.packets.headers import Flow
from sim.packets.notation import show
from sim.packets.reasons import Reason
from sim.pipeline.trace import Trace, trace
from sim.pipeline.ways import entered
from sim.why.before_door import destination, same_before
from sim.why.blame import Blame, Cause, blame
from sim.why.handed_on import handed_on
from sim.why.happenings import steps
from sim.why.missing_labels import lacking
from sim.why.nearest import FIELDS, Near, nearest, title
from sim.why.nearest import wanted as wanted_by
from sim.why.request_answers import RequestAnswer
from sim.why.step import Step as Step
from sim.why.step import line_of
from sim.why.walkthrough import walkthrough
from sim.wording.verdicts import touching, without_ways
from sim.worlds.world import World

PARTS = "source_addresses", "target_addresses"


@dataclass(frozen=True, slots=True)
class Choice:
    """One next hop that ECMP may take; `hashed` marks the one that this flow's hash takes."""

    trace: Trace
    steps: tuple[Step, ...]
    hashed: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """`computed` is allow, deny, or depends (on ECMP); `others` are verdicts of other families;
    `nearest` has, for each end whose policy denies, what came closest to permitting; `touched_by`
    what is not evaluated and touches one of the ends. `parts` are the addresses of source and
    destination that it is about, where it is not about all of them (`sim.why.address_parts`),
    `through` the door by which the target was asked for. With a `request`, `computed` is what
    becomes of that."""

    network: Network
    program: Program
    source: str
    target: str
    flow: Flow
    computed: str
    reason: Reason
    choices: tuple[Choice, ...]
    blame: Blame
    others: tuple[tuple[int, str], ...] = ()
    nearest: tuple[Cause, ...] = ()
    touched_by: tuple[Unevaluated, ...] = ()
    parts: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    through: str = ""
    request: RequestAnswer | None = None

    @property
    def verdict(self) -> str:
        """What was computed, or unknown where something else may decide otherwise."""
        return "unknown" if pending(self.touched_by) else self.computed

    def summary(self) -> str:
        """One line."""
        return f"{self.headline}   {show(self.flow)}"

    @property
    def headline(self) -> str:
        """The ends and the verdict."""
        why = "" if self.computed == "allow" else f" ({self.why})"
        if self.computed == "allow" and self.besides:
            why = f" (if {' and '.join(self.besides)})"
        if self.computed == "unknown":
            why = f" ({self.why})"
        if pending(self.touched_by):
            why = f" ({self.computed} by what is evaluated)"
        return f"{self.source} -> {self.target}: {self.verdict}{why}{accepted(self.touched_by)}"

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What must hold besides, whichever way the packet takes."""
        if self.request is not None:
            return tuple(sorted({one for step in self.request.steps for one in step.said.open}))
        steps = (step for choice in self.choices for step in choice.steps)
        return tuple(sorted({condition for step in steps for condition in step.conditions}))

    @property
    def besides(self) -> tuple[Condition, ...]:
        """The same of what is let through, on some way at least."""
        return self.conditions if self.computed in ("allow", "depends") else ()

    @property
    def walkthrough(self) -> dict[str, tuple[str, ...]]:
        """What the policies of its clusters do with it, stage by stage at either end."""
        return walkthrough(self.network, self.program.policy, self.hashed.trace)

    @property
    def about(self) -> str:
        """The addresses that it is about in words; empty where it is about all."""
        return from_to(*self.parts)

    @property
    def why(self) -> str:
        """The drop reason; why a request is refused; or who gets the packet, when the address leads
        to somebody else."""
        step = self.request and self.request.decisive
        if step:
            return f"{step.side} of {step.title}: {step.said.why}"
        if self.reason is Reason.DELIVERED and self.computed != "allow":
            elsewhere = next(c.trace for c in self.choices if c.trace.reason is Reason.DELIVERED)
            assert elsewhere.target is not None
            return f"its address leads to {self.network.endpoints[elsewhere.target].name}"
        return self.reason.label

    def rows(self) -> list[dict[str, Any]]:
        """The steps of the choice that the hash takes."""
        return [step.row() for step in self.hashed.steps]

    @property
    def hashed(self) -> Choice:
        """What happens to this very packet."""
        return next(choice for choice in self.choices if choice.hashed)

    def document(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return {
            "source": self.source,
            "target": self.target,
            **{key: list(blocks) for key, blocks in zip(PARTS, self.parts, strict=True) if blocks},
            "packet": show(self.flow),
            "through": self.through or None,
            "verdict": self.verdict,
            "computed": self.computed,
            "not_evaluated": [record.row() for record in self.touched_by],
            "reason": self.reason.label,
            "blame": _cause(self.blame.culprit),
            "also": [_cause(cause) for cause in self.blame.others],
            "nearest": [_cause(cause) for cause in self.nearest],
            **({"http": self.request.row()} if self.request else {}),
            "other_families": {f"IPv{version}": verdict for version, verdict in self.others},
            "walkthrough": {side: list(way) for side, way in self.walkthrough.items()},
            "choices": [
                {
                    "hashed": choice.hashed,
                    "verdict": choice.trace.reason.label,
                    "steps": [step.row() for step in choice.steps],
                }
                for choice in self.choices
            ],
        }


def between(
    world: World,
    source: Endpoint,
    wanted: Destination,
    version: int | None = None,
    sent_from: Address | None = None,
    sport: int | None = None,
    fields: Values = (),
) -> Explanation:
    """Why a flow between ends that are known (by names: `sim.why.one_answer`) is allowed or denied.

    Without `version` IPv4 is explained where both have it; `sent_from` and `sport` pick the
    source's address and port, `fields` what else the packet carries; what rules ask for and is not
    given is 0, and told. `InputError` when there is no flow between them."""
    network, program = world.network, world.program
    if wanted.endpoint is source:
        message = f"what {source.name} says to itself passes no enforcement point"
        raise InputError(Diagnostic("C712", message))
    flows = _flows(network, source, wanted, sent_from, sport)
    known = known_fields(program)
    carried = tuple((n, value_of(fields, n)) for n in sorted({*known, *(n for n, _ in fields)}))
    flows = {v: replace(flow, fields=carried) for v, flow in flows.items()}
    flows = dict(sorted(flows.items(), key=lambda item: (item[0] != version, item[0])))
    verdicts = {v: _verdict(_traces(world, f), wanted)[0] for v, f in flows.items()}
    first, flow = next(iter(flows.items()))
    same_before(world, wanted, flow)
    hashed = trace(world, flow)
    traces = [hashed if t.same_way(hashed) else t for t in _traces(world, flow)]
    verdict, worst = _verdict(traces, wanted)
    meant = wanted.endpoint.index if wanted.endpoint else None
    told = touching(network).of(source.index, *_ends(wanted, traces))
    if verdict == "deny" and all(t.reason.by_policy for t in traces):
        told = without_ways(told)
    for one in (f for v, f in flows.items() if verdicts[v] != "allow"):
        told += tuple(handed_on(world, one, told))
    return Explanation(
        network,
        program,
        source.name,
        wanted.called,
        flow,
        verdict,
        worst.reason,
        tuple(Choice(t, tuple(steps(world, t)), t is hashed) for t in traces),
        blame(world, worst, meant),
        tuple((v, said) for v, said in verdicts.items() if v != first),
        tuple(_nearest(world, worst)),
        told,
        through=wanted.door.sentence if wanted.door else "",
    )


def _ends(wanted: Destination, traces: list[Trace]) -> set[int]:
    """Who may get the packet, and who was meant to."""
    meant = {wanted.endpoint.index} if wanted.endpoint else set()
    return meant | {t.target for t in traces if t.target is not None}


def _flows(
    network: Network,
    src: Endpoint,
    wanted: Destination,
    sent_from: Address | None,
    sport: int | None,
) -> dict[int, Flow]:
    """The packet to look at, per family that both ends have; `InputError` when there is none."""
    flows = {}
    for version in (4, 6):
        port = packet_port(wanted.ports, version)
        if port is None:
            continue
        protocol, dport, opener = port
        given = CLIENT_PORT if sport is None else sport
        ports = (given if opener is None else opener), dport
        mine, theirs = address_of(network, src, version), destination(network, wanted, version)
        if sent_from is not None and sent_from.version == version:
            mine = int(sent_from)
        if mine is not None and theirs is not None:
            flows[version] = Flow(
                src.vrf, version, mine, theirs, protocol, *ports, src_endpoint=src.index
            )
    if not flows:
        message = f"{src.name} has no address of the IP version of the destination"
        if not any(packet_port(wanted.ports, v) for v in _versions(network, src, wanted)):
            message = f"no host sends {', '.join(texts(wanted.ports))} between these two"
        raise InputError(Diagnostic("C712", message))
    return flows


def _versions(network: Network, src: Endpoint, wanted: Destination) -> list[int]:
    """The IP versions that both ends have."""
    return [
        version
        for version in (4, 6)
        if address_of(network, src, version) is not None
        and destination(network, wanted, version) is not None
    ]


def _traces(world: World, flow: Flow) -> list[Trace]:
    """One trace per way; one without where there is no route."""
    source = world.network.endpoints[flow.src_endpoint]
    count = len(entered(world, source, flow))
    return [trace(world, flow, choice) for choice in range(count)]


def _verdict(traces: list[Trace], wanted: Destination) -> tuple[str, Trace]:
    """The verdict over all choices, and the trace that shows it."""
    meant = wanted.endpoint.index if wanted.endpoint else None
    good = [t for t in traces if t.reason is Reason.DELIVERED and meant in (None, t.target)]
    bad = [t for t in traces if t not in good]
    verdict = "depends" if good and bad else "deny" if bad else "allow"
    return verdict, (bad or good)[0]


def _nearest(world: World, found: Trace) -> Iterator[Cause]:
    """Per end that denies, the permit that fails on the fewest fields; what tenants and zones
    may do among themselves is no hint."""
    for side in (found.out, found.into):
        if side is None or not side.reason.by_policy:
            continue
        near = nearest(world, side.packet, side.steps[-1][0].stage)
        if near and len(near.fails) < len(FIELDS) and not near.rule.origin.kind.own:
            origin = near.rule.origin
            text = f"fails on {' and '.join(near.fails)}: {wanted_by(side.packet)}"
            if "peer" in near.fails and (mends := _mending(world, near, side.packet)):
                text += f"; a peer of it would match {mends}"
            yield Cause(title(origin), text, origin.span, origin.kind)


def _mending(world: World, near: Near, packet: Packet) -> str:
    """The labels that whoever has the remote address would need for a peer of the nearest rule, as
    it was written, to mean it."""
    remotes = owners(world.network, packet.remote_vrf, packet.version, packet.remote_ip)
    peers = [m for r in world.program.policy.rules if _one(r, near.rule) for m in r.remote]
    return lacking(peers, remotes[0]) if len(remotes) == 1 else ""


def _one(rule: Rule, other: Rule) -> bool:
    """Whether two rules are one item of a list in somebody's file."""
    mine, theirs = rule.origin, other.origin
    if rule is other:
        return True
    same = (mine.kind, mine.name, mine.rule) == (theirs.kind, theirs.name, theirs.rule)
    return same and mine.rule is not None and rule.direction is other.direction


def _cause(cause: Any) -> dict[str, Any]:
    return {"what": cause.title, "part": cause.part, "line": line_of(cause.span)}
