"""Flow logs as lines of JSON: what was sent by whom to whom, and whether it passed.

Hubble's (`hubble observe -o jsonpb`, or its exporter) are read as they are, with the flow below
`flow` or at the top; other logs as an object per line with addresses, such as cloud providers and
Calico write. What a line does not say is None.

Rules that hold here:

1. A flow is one direction: a reply is a flow of its own, which Hubble marks.
2. A pod is called by namespace and name, and by its workloads where the log knows them; addresses
   count where there is no name.
3. A line that is no flow (an event of an agent, a lost-events note, a layer 7 record) is counted
   and passed over; one that is no JSON object is an error with its line.
4. Files are hostile: they are read line by line, and a line has a most.

Sources: cilium/api/v1/flow/flow.proto; Amazon VPC flow log fields; Calico flow logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.io.reading import opened
from fabric.io.strict_json import decoded
from fabric.values.ports import MAX_PORT, PROTOCOLS

MAX_LOG = 1 << 32
MAX_LINE = 1 << 20
HUBBLE_PROTOCOLS = {
    "TCP": "tcp", "UDP": "udp", "SCTP": "sctp", "ICMPv4": "icmp4", "ICMPv6": "icmp6",
}  # fmt: skip
PASSED, DROPPED = ("FORWARDED", "REDIRECTED"), ("DROPPED", "ERROR")
SOURCES = ("srcaddr", "source_ip", "src_ip", "sourceIPAddress", "src")
TARGETS = ("dstaddr", "dest_ip", "dst_ip", "destination_ip", "destinationIPAddress", "dst")
PORTS = (
    "dstport",
    "dest_port",
    "dst_port",
    "destination_port",
    "destinationTransportPort",
    "dport",
)
OWN_PORTS = ("srcport", "source_port", "src_port", "sourceTransportPort", "sport")
NUMBERS = ("protocol", "proto", "protocolIdentifier")
FATES = ("action", "verdict")
ACCEPTED = {"accept": True, "allow": True, "allowed": True, "reject": False, "deny": False}


@dataclass(frozen=True, slots=True)
class LoggedEnd:
    """Who sent or took a flow."""

    address: int
    namespace: str | None = None
    pod: str | None = None
    workloads: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether the log says which pod it is."""
        return self.namespace is not None and (self.pod is not None or bool(self.workloads))


@dataclass(frozen=True, slots=True)
class LoggedFlow:
    """`protocol` is an IANA number; `passed` whether it did, `reply` whether it answers another."""

    version: int
    source: LoggedEnd
    target: LoggedEnd
    protocol: int
    sport: int
    dport: int
    passed: bool | None
    reply: bool | None


@dataclass(slots=True)
class FlowLog:
    """Iterate over it for flows, each with its line; `skipped` then counts lines that are none."""

    path: Path
    skipped: int = 0
    lines: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[tuple[int, LoggedFlow]]:
        self.skipped = self.lines = 0
        with opened(self.path, MAX_LOG, "C953") as file:
            while line := file.readline(MAX_LINE + 1):
                self.lines += 1
                if len(line) > MAX_LINE:
                    raise self._wrong(f"a line of more than {MAX_LINE >> 20} MiB")
                if not line.strip():
                    continue
                found = self._flow(line)
                if found is None:
                    self.skipped += 1
                else:
                    yield self.lines, found

    def _flow(self, line: bytes) -> LoggedFlow | None:
        try:
            value = decoded(line.decode())
        except (UnicodeDecodeError, ValueError) as error:
            raise self._wrong(f"no JSON: {error}") from None
        if not isinstance(value, dict):
            raise self._wrong("no JSON object")
        try:
            inside = value.get("flow", value)
            return hubble(inside) if "IP" in inside else generic(value)
        except (TypeError, ValueError, AttributeError):
            return None

    def _wrong(self, what: str) -> InputError:
        hint = "one JSON object per line: hubble observe -o jsonpb"
        span = Span(str(self.path), self.lines, 1)
        return InputError(Diagnostic("C954", f"not a flow log: {what}", span, hint))


def hubble(flow: Mapping[str, Any]) -> LoggedFlow | None:
    """A flow of Hubble's; None for records of layer 7: other lines tell of their packets."""
    if flow.get("Type") == "L7" or flow.get("type") == "L7":
        return None
    version, source, target = _addresses(flow["IP"]["source"], flow["IP"]["destination"])
    ((name, ports),) = flow["l4"].items()
    protocol = PROTOCOLS[HUBBLE_PROTOCOLS[name]] if name in HUBBLE_PROTOCOLS else None
    if protocol is None:
        return None
    verdict, reply = flow.get("verdict"), flow.get("is_reply")
    passed = True if verdict in PASSED else False if verdict in DROPPED else None
    if reply is None and isinstance(flow.get("reply"), bool) and flow["reply"]:
        reply = True
    return LoggedFlow(
        version,
        _end(source, flow.get("source") or {}),
        _end(target, flow.get("destination") or {}),
        protocol,
        _port(ports.get("source_port", 0)),
        _port(ports.get("destination_port", 0)),
        passed,
        reply if isinstance(reply, bool) else None,
    )


def _end(address: int, said: Mapping[str, Any]) -> LoggedEnd:
    workloads = (one.get("name") for one in said.get("workloads") or ())
    return LoggedEnd(
        address,
        said.get("namespace") or None,
        said.get("pod_name") or None,
        tuple(name for name in workloads if isinstance(name, str)),
    )


def generic(flow: Mapping[str, Any]) -> LoggedFlow | None:
    """A flow by addresses; None where there are none, as in a line about no data."""
    source, target = _first(flow, SOURCES), _first(flow, TARGETS)
    number = _first(flow, NUMBERS)
    if source is None or target is None or number is None:
        return None
    version, a, b = _addresses(source, target)
    protocol = PROTOCOLS.get(str(number).lower())
    fate = str(_first(flow, FATES) or "").lower()
    return LoggedFlow(
        version,
        LoggedEnd(a),
        LoggedEnd(b),
        int(number) if protocol is None else protocol,
        _port(_first(flow, OWN_PORTS) or 0),
        _port(_first(flow, PORTS) or 0),
        ACCEPTED.get(fate),
        None,
    )


def _first(flow: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((flow[name] for name in names if flow.get(name) not in (None, "", "-")), None)


def _addresses(source: str, target: str) -> tuple[int, int, int]:
    a, b = ip_address(source), ip_address(target)
    if a.version != b.version:
        raise ValueError("addresses of two families")
    return a.version, int(a), int(b)


def _port(value: Any) -> int:
    number = int(value)
    if not 0 <= number <= MAX_PORT:
        raise ValueError("no port")
    return number
