"""Point questions to a cluster: may this flow pass, and because of which policies?

Answers come from the blocks. What matched is listed in full: every rule that allows the flow, or
every policy that isolates the pod when none does.

Rules that hold here:

1. A flow passes when the source's egress and the destination's ingress both allow it. The outside
   has no policies.
2. A workload stands for its pods. When they do not all fare alike there is no single answer: an
   error says which differ. A pod always reaches itself.
3. Who is behind a Service without a selector, endpoints say that somebody wrote by hand: they are
   not read, and the answer is unknown.
4. Pods meet on IPv4 if both have it, unless an address says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from compiler.policy.ir import Action, Direction, Origin, Packet
from compiler.policy.selectors import selects
from compiler.policy.stages import Owner
from compiler.program.program import goes_by_address, refuse_conditions, refuse_fields
from compiler.program.walk import entry_matches, walk
from fabric.building.cluster import CLUSTER
from fabric.diagnostics import InputError
from fabric.kubernetes.networking.services import numbers
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, pending
from sim.names.cluster_names import ClusterNames, End, fault
from sim.wording.verdicts import touching
from sim.worlds.world import World

CLIENT_PORT = 40000
KEPT = 100_000


@dataclass(frozen=True, slots=True)
class SideCause:
    """Why one side allows or denies. `origin` is None when nothing selects the pod; `assumed` when
    the rule goes by the address of a pod whose address is not known but assumed, of a denial when
    some rule would allow the flow if the pod had another one."""

    direction: Direction
    allow: bool
    origin: Origin | None
    reason: str | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class FlowAnswer:
    """The verdict on one flow, and the causes: of an allow those of both sides, of a deny those of
    the sides that deny. `touched_by` is what is not evaluated and touches an end."""

    allow: bool
    causes: tuple[SideCause, ...]
    touched_by: tuple[Unevaluated, ...] = ()

    @property
    def computed(self) -> str:
        """What the policies that are evaluated say."""
        return "allow" if self.allow else "deny"

    @property
    def verdict(self) -> str:
        """That, or unknown."""
        return "unknown" if pending(self.touched_by) else self.computed


class Questions:
    """Answers questions about one world; what was worked out once is kept. `unknown` counts the
    answers that were given and are unknown."""

    def __init__(self, world: World) -> None:
        refuse_fields(world.program, "a list of questions")
        refuse_conditions(world.program, "a list of questions")
        self.network, self.program, self.blocks = world.network, world.program, world.blocks
        self.names = ClusterNames(self.network)
        self.touching = touching(self.network)
        self.unknown = 0
        self.answers: dict[tuple[str, str, int, int | str], FlowAnswer] = {}
        self.cells: dict[tuple[int, int], int] = {}
        self.sides: dict[tuple[int, ...], tuple[bool, tuple[SideCause, ...]]] = {}

    def ask(self, src: str, dst: str, protocol: int, port: int | str) -> FlowAnswer:
        """The answer to one question; `port` may be a name. Raises `InputError` when there is
        none."""
        key = src, dst, protocol, port
        if key not in self.answers:
            if len(self.answers) >= KEPT:
                self.answers.clear()
                self.cells.clear()
            self.answers[key] = self._answer(src, dst, protocol, port)
        found = self.answers[key]
        self.unknown += found.verdict == "unknown"
        return found

    def _answer(self, src: str, dst: str, protocol: int, port: int | str) -> FlowAnswer:
        sources = self.names.sources(src)
        try:
            targets = self.names.targets(dst, protocol, port)
        except InputError:
            if pending(by_hand := self.names.led_by_hand(dst)):
                return FlowAnswer(False, (), tuple(by_hand))
            raise
        pairs = [(s, t) for s in sources for t in targets if s.endpoint is not t.endpoint]
        if not pairs:
            return self._alone(sources[0], targets[0])
        found = {(s.name, t.name): self._one(s, t, protocol, port) for s, t in pairs}
        allowed = {pair for pair, answer in found.items() if answer.allow}
        if 0 < len(allowed) < len(found):
            yes, no = min(allowed), min(found.keys() - allowed)
            raise fault(
                f"pods differ: {yes[0]} to {yes[1]} is allowed, {no[0]} to {no[1]} is denied",
                "ask about pods",
            )
        causes = dict.fromkeys(cause for answer in found.values() for cause in answer.causes)
        ends = {end.endpoint.index for pair in pairs for end in pair}
        return FlowAnswer(bool(allowed), tuple(causes), self.touching.of(*ends))

    def _alone(self, source: End, target: End) -> FlowAnswer:
        if source.outside:
            raise fault("neither end is in the cluster")
        if source.name != target.name:
            reason = f"{source.name} and {target.name} share their node's network"
        else:
            reason = "a pod always reaches itself"
        return FlowAnswer(True, (SideCause(Direction.OUT, True, None, reason),))

    def _one(self, source: End, target: End, protocol: int, port: int | str) -> FlowAnswer:
        version = family(source, target)
        number = target.port if target.port is not None else number_of(target, port, protocol)
        out = self._side(Direction.OUT, source, target, version, protocol, number)
        if target.door is not None and target.door.version == version:
            before = End(target.name, target.endpoint, target.door)
            asked = number_of(target, port, protocol)
            if self._side(Direction.OUT, source, before, version, protocol, asked)[0] != out[0]:
                raise fault(
                    f"policies of {source.name} treat {target.door} and {target.name} behind it "
                    "differently: which of them they see is up to the network plugin",
                    "ask about the pod",
                )
        into = self._side(Direction.IN, target, source, version, protocol, number)
        allow = out[0] and into[0]
        sides = [side for side in (out, into) if side[0] is allow]
        return FlowAnswer(allow, tuple(cause for _, causes in sides for cause in causes))

    def _side(
        self, direction: Direction, local: End, remote: End, version: int, protocol: int, port: int
    ) -> tuple[bool, tuple[SideCause, ...]]:
        """Whether one enforcement point permits, and why; the outside permits all."""
        if local.outside:
            return True, ()
        ip = remote.ip(version)
        assert ip is not None
        if (version, ip) not in self.cells:
            self.cells[version, ip] = self.blocks.cell(0, version, ip, 0)
        l4 = self.blocks.l4.atom(protocol, CLIENT_PORT, port)
        index = local.endpoint.index
        key = (direction, index, self.cells[version, ip], l4)
        if key not in self.sides:
            decision = self.blocks.decision(*key)
            permit = bool(self.blocks.dec_permit[decision])
            packet = Packet(direction, index, version, ip, 0, protocol, CLIENT_PORT, port)
            self.sides[key] = permit, tuple(self._causes(packet, permit, local, remote))
        return self.sides[key]

    def _causes(self, packet: Packet, permit: bool, local: End, remote: End) -> Iterator[SideCause]:
        side, index = packet.direction, local.endpoint.index
        word = "egress" if side is Direction.OUT else "ingress"
        origins, steps = self.program.origins, list(walk(self.program, packet))
        drawn = "address" in remote.endpoint.assumed
        if not permit:
            group, entry = steps[-1]
            hangs = drawn and self.might_hold(packet)
            if entry is not group.default_entry:
                yield SideCause(side, False, origins[entry.origin], None, hangs)
                return
            for origin in self.isolating[side, index]:
                yield SideCause(side, False, origin, f"no rule allows this {word}", hangs)
            return
        whole = [entry for _, entry in steps if origins[entry.origin].kind.whole]
        isolated = (side, index) in self.isolating
        if not whole and not isolated:
            name = local.endpoint.name.removeprefix(f"{CLUSTER}/")
            yield SideCause(side, True, None, f"no policy selects {name} for {word}")
            return
        asked = [g for g, _ in steps if g.stage.owner is Owner.CLUSTER and isolated]
        allowing = (
            entry
            for group in asked
            for entry in group.entries
            if not origins[entry.origin].kind.whole
            and not origins[entry.origin].kind.echo
            and entry.action is not Action.DENY
            and entry_matches(entry, packet)
        )
        for entry in (*whole, *allowing):
            yield SideCause(
                side, True, origins[entry.origin], None, drawn and goes_by_address(entry)
            )

    def might_hold(self, packet: Packet) -> bool:
        """Whether some block would permit the packet if the remote end had another address."""
        l4 = self.blocks.l4.atom(packet.protocol, packet.sport, packet.dport, packet.fields)
        return any(
            goes_by_address(entry)
            and any(r.v4 if packet.version == 4 else r.v6 for r in entry.regions)
            and bool(self.blocks.l4.mask(entry.l4)[l4])
            for group in self.program.bound(packet.direction, packet.local)
            for entry in (group.entries if group.stage.owner is Owner.CLUSTER else ())
            if entry.action is not Action.DENY
        )

    @cached_property
    def isolating(self) -> dict[tuple[Direction, int], list[Origin]]:
        """The policies that isolate each endpoint."""
        out: dict[tuple[Direction, int], list[Origin]] = {}
        for selection in self.program.policy.selections:
            if selection.stage.owner is Owner.CLUSTER:
                for endpoint in self.network.endpoints:
                    if any(selects(m, endpoint, self.network) for m in selection.local):
                        key = selection.direction, endpoint.index
                        out.setdefault(key, []).append(selection.origin)
        return out


def family(source: End, target: End) -> int:
    """The IP version on which two ends meet (rule 4); towards the outside, that of its address."""
    for end in (source, target):
        if end.outside and end.address is not None:
            return end.address.version
    for version in (4, 6):
        if source.ip(version) is not None and target.ip(version) is not None:
            return version
    raise fault(f"{source.name} and {target.name} have no IP version in common")


def number_of(target: End, port: int | str, protocol: int) -> int:
    """A port's number at the destination, which may know it by name."""
    if isinstance(port, int):
        return port
    found = numbers(target.endpoint.ports, port, protocol)
    if not found:
        raise fault(f'{target.name} has no port called "{port}"')
    return found[0]
