"""Access lists of devices as rules of policy: one stage at both ends, which keeps no state.

The lists that an end asks, in their order, become the rules of one group. Rules that hold here:

1. `in` at a host's port is what the host sends (OUT of the end), `out` what it gets (IN).
2. A packet's own side was cut away before (`compiler.imports.sites.host_ends`): a rule about other
   own addresses than an end's is none of its.
3. An entry that may match or not leaves what follows it undecided where that says otherwise: such
   packets pass under a condition, in words. So nothing that may pass is ever denied for certain,
   and nothing that may be denied is permitted without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

from compiler.imports.acl_verdict import bound
from compiler.imports.device_facts import AccessEntry, AccessList, Device, Networks, Ports
from compiler.imports.sites.host_ends import HostEnd, span_of
from compiler.policy.fields import STATES
from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Matcher,
    Named,
    Origin,
    Rule,
    Selection,
    Stage,
    Within,
)
from compiler.policy.origin_kinds import ACCESS_LIST, DEFAULT
from fabric.values.inventory import Prefix
from fabric.values.ports import ANY, MAX_PORT

WAYS = {"in": Direction.OUT, "out": Direction.IN}
EVERYTHING = {4: (ip_network("0.0.0.0/0"),), 6: (ip_network("::/0"),)}
MOST_LINES = 100_000
"""Of one end and direction, with those that stand for what is not decided."""


@dataclass(frozen=True, slots=True)
class AclLine:
    """An entry as an end asks it: `remote` networks of one family; `maybe`: what is uncertain."""

    action: str
    remote: Networks
    protocol: int
    sports: Ports
    dports: Ports
    states: tuple[str, ...]
    origin: Origin
    maybe: str = ""
    conditions: tuple[str, ...] = ()


def rules_of(device: Device, end: HostEnd, name: str) -> Iterator[Rule | Selection]:
    """What the lists at an end say, as rules of the endpoint of that name."""
    yield from rules_about(device, end, (Named((name,)),))


def rules_about(
    device: Device, end: HostEnd, local: tuple[Matcher, ...]
) -> Iterator[Rule | Selection]:
    """What the lists at an end say, as rules of these endpoints, which are behind it."""
    for way, direction in WAYS.items():
        lines = [
            line
            for version in (4, 6)
            for line in decided(list(lines_at(device, end, way, version)))
        ]
        for order, line in enumerate(lines):
            action = Action.DENY if line.action == "deny" else Action.PERMIT
            remote = tuple(Cidr(network) for network in line.remote)
            yield Rule(
                Stage.ACCESS, direction, order, local, remote, l4_of(line), action, line.origin,
                line.conditions,
            )  # fmt: skip
        if lines:
            origin = Origin(DEFAULT, "no rule of an access list matches")
            yield Selection(Stage.ACCESS, direction, local, Action.PERMIT, origin)


def lines_at(device: Device, end: HostEnd, way: str, version: int) -> Iterator[AclLine]:
    """The entries of all lists about packets of a family, in order."""
    mine = end.v4 if version == 4 else end.v6
    if not mine:
        return
    for binding in bound(device, end.port, way):
        acl = device.acl(binding.acl)
        if acl is None or acl.family not in (0, version):
            continue
        for entry in acl.entries:
            own, remote = (
                (entry.source, entry.destination)
                if way == "in"
                else (entry.destination, entry.source)
            )
            if entry.action != "none" and holds(own, version, mine[0][0]):
                line = line_of(device, acl, entry, remote, version)
                if line is not None:
                    yield line
        if acl.default in ("permit", "deny"):
            origin = Origin(ACCESS_LIST, f"{device.name} {acl.name}", None, acl.span)
            yield AclLine(acl.default, EVERYTHING[version], ANY, (), (), (), origin)


def holds(own: Networks, version: int, address: int) -> bool:
    """Whether an address is in one of some networks; none is any."""
    if not own:
        return True
    spans = (span_of(n) for n in own if n.version == version)
    return any(first <= address <= last for first, last in spans)


def line_of(
    device: Device, acl: AccessList, entry: AccessEntry, remote: Networks, version: int
) -> AclLine | None:
    """An entry, as far as it is about a family."""
    networks = tuple(n for n in remote if n.version == version) if remote else EVERYTHING[version]
    if not networks:
        return None
    origin = Origin(ACCESS_LIST, f"{device.name} {acl.name}", entry.number, entry.span)
    maybe = entry.partial or ("what it does is not known" if entry.action == "unknown" else "")
    return AclLine(
        entry.action, networks, entry.protocol, entry.sports, entry.dports, entry.states, origin,
        maybe,
    )  # fmt: skip


def decided(lines: Sequence[AclLine]) -> list[AclLine]:
    """The lines with those that may match made certain (rule 3)."""
    out: list[AclLine] = []
    for number, line in enumerate(lines):
        if not line.maybe:
            out.append(line)
            continue
        doubts = {line.action}
        for later in lines[number + 1 :]:
            both = overlap(line, later)
            if both is None:
                continue
            if later.maybe:
                doubts.add(later.action)
                continue
            out.append(outcome(line, both, doubts | {later.action}))
            if covers(later, line):
                break
        else:
            out.append(outcome(line, line, doubts | {"permit"}))
        if len(out) > MOST_LINES:
            break
    return out


def outcome(line: AclLine, part: AclLine, doubts: set[str]) -> AclLine:
    """What becomes of a part of what a line may match, where any of these may be said of it."""
    if len(doubts) == 1 and "unknown" not in doubts:
        return replace(part, action=doubts.pop(), maybe="", origin=line.origin)
    rule = f"rule {line.origin.rule} of {line.origin.name}"
    words = f"{rule} lets it pass, which is not decided: {line.maybe}"
    return replace(part, action="permit", maybe="", origin=line.origin, conditions=(words,))


def overlap(one: AclLine, other: AclLine) -> AclLine | None:
    """What both match; None where that is nothing."""
    remote = meet(one.remote, other.remote)
    protocols = {one.protocol, other.protocol} - {ANY}
    sports, dports = both(one.sports, other.sports), both(one.dports, other.dports)
    states = tuple(
        s for s in STATES if s in (one.states or STATES) and s in (other.states or STATES)
    )
    if not remote or len(protocols) > 1 or sports is None or dports is None or not states:
        return None
    told = () if not one.states and not other.states else states
    return replace(
        other, remote=remote, protocol=next(iter(protocols), ANY), sports=sports, dports=dports,
        states=told,
    )  # fmt: skip


def covers(outer: AclLine, inner: AclLine) -> bool:
    """Whether a line matches everything that another one may."""
    return (
        all(any(holds_network(o, i) for o in outer.remote) for i in inner.remote)
        and outer.protocol in (ANY, inner.protocol)
        and not outer.sports
        and not outer.dports
        and not outer.states
    )


def holds_network(outer: Prefix, inner: Prefix) -> bool:
    """Whether a network lies in another one."""
    (a, b), (c, d) = span_of(outer), span_of(inner)
    return outer.version == inner.version and a <= c and d <= b


def meet(some: Networks, others: Networks) -> Networks:
    """The networks that are in both: of two that overlap the smaller one."""
    found = (
        inner
        for a in some
        for b in others
        for inner, outer in ((a, b), (b, a))
        if holds_network(outer, inner)
    )
    return tuple(dict.fromkeys(found))


def both(some: Ports, others: Ports) -> Ports | None:
    """The ports in both; empty is any, None is none."""
    if not some or not others:
        return some or others
    found = tuple(
        (max(a, c), min(b, d)) for a, b in some for c, d in others if max(a, c) <= min(b, d)
    )
    return found or None


def l4_of(line: AclLine) -> tuple[L4, ...]:
    """Ports and states of a line; empty for all."""
    if (line.protocol, line.sports, line.dports, line.states) == (ANY, (), (), ()):
        return ()
    whole = ((0, MAX_PORT),)
    return tuple(
        L4(line.protocol, *dport, None, *sport, fields=limits)
        for sport in line.sports or whole
        for dport in line.dports or whole
        for limits in state_limits(line.states)
    )


def state_limits(states: tuple[str, ...]) -> tuple[tuple[Within, ...], ...]:
    """States as ranges of their numbers: a tuple for each."""
    if not states or set(states) == set(STATES):
        return ((),)
    numbers = sorted(STATES.index(state) for state in states)
    out: list[list[int]] = []
    for number in numbers:
        if out and out[-1][1] == number - 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return tuple((Within("state", first, last),) for first, last in out)
