"""explain: one flow from the line of YAML to the last hop, and what would have to change.

For every choice that ECMP has: both policy stages with group, entry and line; the route there and
the route back with the route targets behind them; the path through the underlay. Then the verdict
over all choices, the reply, and whom to thank or blame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from compiler.ir import Action, Direction
from compiler.tables import Entry, Group, Program
from fabric.diagnostics import Diagnostic, InputError
from fabric.network import Network
from fabric.ports import WITH_PORTS
from sim.blame import Blame, blame
from sim.l4 import CLIENT_PORT
from sim.nearest import title
from sim.packets import Flow
from sim.reasons import Reason
from sim.resolve import Target, address_of, endpoint, packet_port, target
from sim.trace import Side, Trace, trace, underlay_path
from sim.witness import show


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens to the packet. `line` is the place in the input behind it."""

    where: str
    what: str
    result: str
    because: str = ""
    line: str | None = None

    def row(self) -> dict[str, Any]:
        """The step as JSON."""
        return {
            "where": self.where,
            "what": self.what,
            "result": self.result,
            "because": self.because,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """One next hop that ECMP may take; `hashed` marks the one that this flow's hash takes."""

    trace: Trace
    steps: tuple[Step, ...]
    hashed: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """`verdict` is allow, deny, or depends (on ECMP); `others` are verdicts of other families."""

    network: Network
    program: Program
    source: str
    target: str
    flow: Flow
    verdict: str
    reason: Reason
    choices: tuple[Choice, ...]
    blame: Blame
    others: tuple[tuple[int, str], ...] = ()

    def summary(self) -> str:
        """One line."""
        why = "" if self.verdict == "allow" else f" ({self.reason.label})"
        return f"{self.source} -> {self.target}: {self.verdict}{why}   {show(self.flow)}"

    def rows(self) -> list[dict[str, Any]]:
        """The steps of the choice that the hash takes."""
        chosen = next(choice for choice in self.choices if choice.hashed)
        return [step.row() for step in chosen.steps]

    def document(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return {
            "source": self.source,
            "target": self.target,
            "packet": show(self.flow),
            "verdict": self.verdict,
            "reason": self.reason.label,
            "blame": _cause(self.blame.culprit),
            "also": [_cause(cause) for cause in self.blame.others],
            "other_families": {f"IPv{version}": verdict for version, verdict in self.others},
            "choices": [
                {
                    "hashed": choice.hashed,
                    "verdict": choice.trace.reason.label,
                    "steps": [step.row() for step in choice.steps],
                }
                for choice in self.choices
            ],
        }


def explain(
    network: Network, program: Program, src: str, dst: str, version: int | None = None
) -> Explanation:
    """Why a flow is allowed or denied. `src` and `dst` are names or addresses (`sim.resolve`), the
    latter with its port. Without `version` IPv4 is explained where both ends have it."""
    source, wanted = endpoint(network, src), target(network, dst)
    flows = _flows(network, source.index, wanted)
    if version is not None:
        flows = {v: f for v, f in flows.items() if v == version} or flows
    verdicts = {v: _verdict(_traces(network, program, f), wanted)[0] for v, f in flows.items()}
    first, flow = next(iter(flows.items()))
    traces = _traces(network, program, flow)
    hashed = trace(network, program, flow)
    verdict, worst = _verdict(traces, wanted)
    meant = wanted.endpoint.index if wanted.endpoint else None
    return Explanation(
        network,
        program,
        source.name,
        wanted.endpoint.name if wanted.endpoint else str(wanted.address),
        flow,
        verdict,
        worst.reason,
        tuple(
            Choice(t, tuple(steps(network, program, t)), t.next_hop == hashed.next_hop)
            for t in traces
        ),
        blame(network, program, worst, meant),
        tuple((v, said) for v, said in verdicts.items() if v != first),
    )


def _flows(network: Network, source: int, wanted: Target) -> dict[int, Flow]:
    """The packet to look at, per family that both ends have; `InputError` when there is none."""
    src = network.endpoints[source]
    protocol, dport = packet_port(wanted.port)
    ports = (CLIENT_PORT, dport) if protocol in WITH_PORTS else (0, 0)
    flows = {}
    for version in (4, 6):
        mine, theirs = address_of(network, src, version), _destination(network, wanted, version)
        if mine is not None and theirs is not None:
            flows[version] = Flow(
                src.vrf, version, mine, theirs, protocol, *ports, src_endpoint=source
            )
    if not flows:
        message = f"{src.name} has no address of the IP version of the destination"
        raise InputError(Diagnostic("C712", message))
    return flows


def _destination(network: Network, wanted: Target, version: int) -> int | None:
    if wanted.endpoint is not None:
        return address_of(network, wanted.endpoint, version)
    assert wanted.address is not None
    return int(wanted.address) if wanted.address.version == version else None


def _traces(network: Network, program: Program, flow: Flow) -> list[Trace]:
    """One trace per next hop; one without when there is no route."""
    at = network.endpoints[flow.src_endpoint].vtep
    route = network.fib.lookup(at, flow.vrf, flow.version, flow.dst)
    count = len(route.nexthops) if route else 1
    return [trace(network, program, flow, choice) for choice in range(count)]


def _verdict(traces: list[Trace], wanted: Target) -> tuple[str, Trace]:
    """The verdict over all choices, and the trace that shows it."""
    meant = wanted.endpoint.index if wanted.endpoint else None
    good = [t for t in traces if t.reason is Reason.DELIVERED and meant in (None, t.target)]
    bad = [t for t in traces if t not in good]
    verdict = "depends" if good and bad else "deny" if bad else "allow"
    return verdict, (bad or good)[0]


def steps(network: Network, program: Program, found: Trace) -> Iterator[Step]:
    """What happens to a packet, in order."""
    if found.source is None:
        yield Step("source", "bind", found.reason.label, "no endpoint there has this address")
        return
    at = network.endpoints[found.source].vtep
    yield from _route(network, found, at)
    if found.out:
        yield from _policy(network, program, found.out)
    yield from _tunnel(network, found, at)
    if found.next_hop is None:
        return
    there = network.fabric.nodes[found.next_hop.vtep].name
    if found.target is None:
        text = "no endpoint with this address lives here"
        yield Step(there, "bind", Reason.ENI_MISS_DROP.label, text)
        return
    yield Step(there, "bind", network.endpoints[found.target].name)
    yield from _way_back(network, found, there)
    if found.into:
        yield from _policy(network, program, found.into)
        yield _reply(network, found)


def _route(network: Network, found: Trace, at: int) -> Iterator[Step]:
    name = network.fabric.nodes[at].name
    vrf = network.vrfs[found.flow.vrf].name
    if found.route is None or found.next_hop is None:
        yield Step(name, f"route in {vrf}", found.reason.label, f"{_ip(found.flow)} has no route")
        return
    hop = found.next_hop
    to = f"{network.fabric.nodes[hop.vtep].name} {network.vrfs[hop.vrf].name} vni {hop.vni}"
    why = f"{found.route.prefix}: {found.route.reason}"
    if len(found.route.nexthops) > 1:
        why += f"; one of {len(found.route.nexthops)} next hops"
    yield Step(name, f"route in {vrf}", f"to {to}", why, _line(found.route.origin))


def _policy(network: Network, program: Program, side: Side) -> Iterator[Step]:
    name = network.fabric.nodes[side.vtep].name
    for group, entry in side.steps:
        yield entry_step(program, name, group, entry)
    if not side.steps:
        yield Step(name, f"{side.packet.direction.name} policy", "permit", "no group is bound")


def entry_step(program: Program, where: str, group: Group, entry: Entry) -> Step:
    """One group's decision."""
    origin = program.origins[entry.origin]
    default = entry is group.default_entry
    number = "default" if default else f"entry {entry.order}"
    result = "deny" if entry.action is Action.DENY else "permit"
    if entry.action is Action.PERMIT_FINAL:
        result = "permit, final"
    what = f"{Direction(group.direction).name} {group.stage.name} group {group.id} {number}"
    return Step(where, what, result, title(origin), _line(origin.span))


def _tunnel(network: Network, found: Trace, at: int) -> Iterator[Step]:
    if found.next_hop is None or found.next_hop.vtep == at:
        return
    names = [node.name for node in network.fabric.nodes]
    hop = found.next_hop
    if not found.underlay:
        text = f"no path to {names[hop.vtep]}"
        yield Step(names[at], "underlay", Reason.UNDERLAY_DROP.label, text)
        return
    path = " - ".join([names[at], *(names[step.to] for step in found.underlay)])
    ways = len(network.underlay.paths(at, hop.vtep))
    text = f"VXLAN vni {hop.vni}, UDP source port {found.outer_sport}; one of {ways} paths"
    yield Step(names[at], "underlay", path, text)


def _way_back(network: Network, found: Trace, there: str) -> Iterator[Step]:
    assert found.next_hop is not None
    vrf = network.vrfs[found.next_hop.vrf].name
    if found.back is None or found.seen is None:
        text = "the source has no route through the VTEP that sent this"
        if found.back is not None:
            text += f" ({found.back.prefix}: {found.back.reason})"
        yield Step(there, f"source check in {vrf}", Reason.PA_VALIDATION_DROP.label, text)
        return
    text = f"{found.back.prefix}: {found.back.reason}"
    seen = f"comes from {network.vrfs[found.seen].name}"
    yield Step(there, f"source check in {vrf}", seen, text, _line(found.back.origin))


def _reply(network: Network, found: Trace) -> Step:
    """What an answer would do: skip the groups, take the route that admitted the packet."""
    assert found.next_hop is not None
    assert found.source is not None
    here, back = found.next_hop.vtep, network.endpoints[found.source].vtep
    name = network.fabric.nodes[here].name
    if found.reason is not Reason.DELIVERED:
        return Step(name, "reply", "none", "there is nothing to reply to")
    path = underlay_path(network, here, back, found.outer_sport or 0) or ()
    names = [network.fabric.nodes[step.to].name for step in path]
    text = "an established flow skips the policy groups, both ways"
    return Step(name, "reply", " - ".join([name, *names]), text)


def _ip(flow: Flow) -> str:
    return str((IPv4Address if flow.version == 4 else IPv6Address)(flow.dst))


def _line(span: object) -> str | None:
    return None if span is None else str(span)


def _cause(cause: Any) -> dict[str, Any]:
    return {"what": cause.title, "part": cause.part, "line": _line(cause.span)}
