"""The part of who reaches whom that somebody looks at: a workload, a direction, a protocol.

    --focus workload=shop/cart --focus direction=ingress --focus protocol=tcp

Of several keys all must fit, of several values of one key any. A direction is that of the workloads
in focus; without one, of everybody: a connection is then ingress of its target and egress of its
source, and outside addresses have neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cloison.views.access.asked_peers import called
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.values.ports import PortRange, parse_ports
from sim.reach.connectivity import Connection, Connectivity, Peer

Direction = Literal["ingress", "egress"]
DIRECTIONS: tuple[Direction, ...] = ("ingress", "egress")
KEYS = ("workload", "direction", "protocol")


@dataclass(frozen=True, slots=True)
class Focus:
    """See the module; empty keys leave everything."""

    workloads: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    protocols: tuple[PortRange, ...] = ()

    @staticmethod
    def read(texts: Iterable[str]) -> Focus:
        """What is written as `KEY=VALUE`. Raises `InputError`."""
        found: dict[str, list[str]] = {key: [] for key in KEYS}
        for text in texts:
            key, is_there, value = text.partition("=")
            if key not in found or not is_there:
                hint = did_you_mean(key, KEYS) or f"there are: {', '.join(KEYS)}"
                raise InputError(Diagnostic("C726", f'no focus on "{text}"', None, hint))
            found[key].append(value)
        for value in found["direction"]:
            if value not in DIRECTIONS:
                message = f'"{value}" is no direction'
                raise InputError(Diagnostic("C726", message, None, "ingress or egress"))
        ports = tuple(port for text in found["protocol"] for port in _protocol(text))
        return Focus(tuple(found["workload"]), tuple(found["direction"]), ports)

    def chosen(
        self, found: Connectivity, some: Iterable[Connection], new: Iterable[Peer] = ()
    ) -> list[Connection]:
        """The connections in focus, of a protocol those that let some of it pass. `new` are peers
        that are not there, which no direction is about. `InputError` for a name that nobody has."""
        there = [p for p in (*found.workloads, *found.pods) if p not in {*new}]
        for name in self.workloads:
            if not any(called(peer, name) for peer in there):
                hint = "write namespace/workload, or a glob"
                raise InputError(Diagnostic("C710", f'nothing is called "{name}"', None, hint))
        names = self.workloads or ("*",)
        asked = {p for p in there if any(called(p, name) for name in names)}
        wanted = self.directions or DIRECTIONS
        out = [
            c
            for c in some
            if (not self.workloads and not self.directions)
            or ("ingress" in wanted and c.target in asked)
            or ("egress" in wanted and c.source in asked)
        ]
        if not self.protocols:
            return out
        mask = found.reach.space.touching(list(self.protocols))
        return [c for c in out if (c.ports & mask).any()]


EVERYTHING = Focus()


def _protocol(text: str) -> list[PortRange]:
    try:
        found = list(parse_ports(text))
    except ValueError:
        found = []
    whole = [p for p in found if (p.first, p.last) == (PortRange().first, PortRange().last)]
    if not found or len(whole) < len(found):
        hint = "tcp, udp, sctp, icmp, or protocol and its number"
        raise InputError(Diagnostic("C726", f'"{text}" is no protocol', None, hint))
    return found
