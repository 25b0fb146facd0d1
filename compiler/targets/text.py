"""text: the tables of one VTEP for reading, in the order in which a packet meets them.

One line per entry: order, action, remote, protocol and ports, what must hold besides, and the line
it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from compiler.policy.fields import Within
from compiler.program.document import Pieces
from compiler.program.dpu import enforcement_points
from compiler.program.program import Program
from fabric.diagnostics import Diagnostic
from fabric.io.visible import visible
from fabric.values.ports import ANY, MAX_PORT, PROTOCOLS, PortRange, texts


def nodes(program: Program) -> tuple[int, ...]:
    """Who gets a file: every enforcement point."""
    return enforcement_points(program)


def remarks(program: Program) -> tuple[Diagnostic, ...]:
    """None: what reads these files does what they say."""
    return ()


def render(program: Program, vtep: int) -> str:
    """The dump of one VTEP."""
    doc = program.once(Pieces).latest(vtep)

    def rows(key: str, write: Callable[[dict[str, Any]], Iterator[str]]) -> Iterator[str]:
        return (row.text("text", lambda row: _text(write(row))) for row in doc[key])

    return "".join(
        (
            _text(_head(doc)),
            *rows("groups", _group),
            _text(("", "== routes: VRF, prefix, next hops (VTEP, VNI)")),
            *rows("routes", _route),
            _text(("", "== mappings: VTEP, VNI, router MAC")),
            *rows("mappings", _mapping),
        )
    )


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{visible(line)}\n" for line in lines)


def _head(doc: dict[str, Any]) -> Iterator[str]:
    yield f"# {doc['node']}  vtep {doc['vtep'] or 'none'}  fabric {doc['fabric']}"
    yield ""
    yield "== tunnel admit: VNI → VRF, from these outer sources, into no other tunnel"
    for row in doc["tunnel_admit"]:
        on = "  and into the next one" if row["hairpin"] == "permit" else ""
        sources = " ".join(row["outer_sources"]) or "(none)"
        yield f"  {row['vni']:<8} {row['vrf']:<24} {sources}{on}"
    yield ""
    yield "== endpoints: VRF, addresses, groups out / in"
    for row in doc["endpoints"]:
        groups = f"out {_ids(row['out'])}  in {_ids(row['in'])}"
        yield f"  {row['name']:<32} {row['vrf']:<20} {_addresses(row)}  {groups}"
    if "asked_for" in doc:
        yield ""
        yield "== asked for, as the peer or a border: VRF, addresses, groups out / in"
    for row in doc.get("asked_for", ()):
        groups = f"out {_ids(row['out'])}  in {_ids(row['in'])}"
        yield f"  {row['name']:<32} {row['vrf']:<20} {','.join(row['addresses'])}  {groups}"


def _group(group: dict[str, Any]) -> Iterator[str]:
    yield ""
    at = f", at {group['default']['at']}" if "at" in group["default"] else ""
    yield f"== group {group['id']}: {group['direction']} {group['stage']}{at}"
    for entry in (*group["entries"], group["default"]):
        label = "default" if entry is group["default"] else str(entry["order"])
        yield (
            f"  {label:>7} {entry['action']:<12} {_remote(entry['remote'])}"
            f"  {_ports(entry['l4'])}{_asked(entry)}  # {_cause(entry['origin'])}"
        )


def _asked(entry: dict[str, Any]) -> str:
    return f"  if {' and '.join(entry['conditions'])}" if "conditions" in entry else ""


def _route(row: dict[str, Any]) -> Iterator[str]:
    hops = " ".join(f"{h['vtep']}/{h['vni']}" for h in row["next_hops"])
    yield f"  {row['vrf']:<20} {row['prefix']:<24} {hops}  # {row['reason']}"


def _mapping(row: dict[str, Any]) -> Iterator[str]:
    yield f"  {row['vtep']:<16} {row['vni']:<8} {row['router_mac']}"


def _addresses(row: dict[str, Any]) -> str:
    but = f" except {','.join(row['except'])}" if "except" in row else ""
    return ",".join(row["addresses"]) + but


def _ids(groups: list[int]) -> str:
    return ",".join(map(str, groups)) or "-"


def _remote(remote: list[dict[str, Any]]) -> str:
    return " | ".join(
        f"{part['vrf']}:{'any' if _everything(part) else ','.join(part['prefixes'])}"
        for part in remote
    )


def _everything(part: dict[str, Any]) -> bool:
    return bool(part["prefixes"] == ["0.0.0.0/0", "::/0"])


def _ports(l4: list[dict[str, Any]]) -> str:
    """As people write ports (`fabric.values.ports`); those of which further fields are limited
    apart."""
    everything = [0, MAX_PORT]
    found: dict[str, list[PortRange]] = {}
    for part in l4:
        limits = " and ".join(str(Within(*limit)) for limit in part.get("fields", ()))
        found.setdefault(f" with {limits}" if limits else "", []).append(
            PortRange(
                number(part["protocol"]),
                *part.get("ports", everything),
                *part.get("source_ports", everything),
            )
        )
    return " | ".join(text + limits for limits, ranges in found.items() for text in texts(ranges))


def number(protocol: str) -> int:
    """A protocol of a document: a name, a number, or any."""
    if protocol.isdecimal():
        return int(protocol)
    return PROTOCOLS.get(protocol, ANY)


def _cause(origin: dict[str, Any]) -> str:
    rule = "" if origin["rule"] is None else f" rule {origin['rule']}"
    at = f" {origin['at']}" if origin["at"] else ""
    return f"{origin['kind']} {origin['name']}{rule}{at}"
