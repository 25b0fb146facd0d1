"""Tables that others keep, of devices and cables first: CSV, NetBox (CSV, JSON), LLDP (JSON).

A table is told by what stands in it, not by its name. Rules that hold here:

1. A CSV has a header; columns are told by the words in `NODES` and `CABLES`, other ones are passed
   over. A port may stand behind its node: `leaf1:swp1`.
2. JSON of NetBox is what its API answers: a list of devices or of cables, or a page of one; of
   VRFs, prefixes and tenants too (`fabric.wiring.tenant_tables`).
3. JSON of LLDP is what `lldpctl -f json` or `json0` says on the device that the file is named
   after; it holds cables alone.
4. Roles are words of ours or of others (`ROLES`). Devices of other roles, and what is planned or
   taken away, are passed over, and counted.

Source: NetBox `dcim` models and bulk import forms; lldpd's `lldpcli(8)`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.file.yaml.reader import read_yaml
from fabric.io.decoded_text import read_text
from fabric.io.strict_json import decoded
from fabric.io.visible import visible
from fabric.wiring.tenant_tables import TenantTable, of_objects, of_rows

NODES = {
    "name": ("name", "node", "device", "hostname", "device_name"),
    "role": ("role", "device_role", "node_role"),
    "site": ("site", "site_name", "datacenter"),
    "pod": ("pod", "pod_number"),
    "rack": ("rack", "rack_name", "cabinet"),
    "location": ("location", "location_name", "room"),
    "asn": ("asn", "as", "bgp_asn", "local_as"),
    "loopback": ("loopback", "loopback0", "router_id", "vtep"),
    "host": ("host", "server", "parent_device", "parent"),
}
CABLES = {
    "a": ("from", "a", "a_node", "a_device", "device_a", "node_a", "side_a_device", "local"),
    "a_port": ("from_port", "a_port", "port_a", "a_interface", "side_a_name", "termination_a",
               "a_name", "local_port"),
    "b": ("to", "b", "b_node", "b_device", "device_b", "node_b", "side_b_device", "remote"),
    "b_port": ("to_port", "b_port", "port_b", "b_interface", "side_b_name", "termination_b",
               "b_name", "remote_port"),
    "speed": ("speed", "speed_gbps", "gbps"),
}  # fmt: skip
KINDS = ("side_a_type", "side_b_type", "termination_a_type", "termination_b_type")
INTERFACE = ("", "dcim-interface", "interface")
ROLES = {
    "host": "host server gpu gpu-node gpu-server compute compute-node baremetal bare-metal worker",
    "dpu": "dpu bluefield bluefield-3 bluefield-2 smartnic smart-nic",
    "leaf": "leaf tor top-of-rack leaf-switch tor-switch access access-switch",
    "border": "border border-leaf borderleaf gateway edge edge-router border-router",
    "spine": "spine spine-switch aggregation",
    "superspine": "superspine super-spine core",
}
ROLE_OF = {word: role for role, words in ROLES.items() for word in words.split()}
GONE = ("planned", "staged", "decommissioning", "decommissioned", "offline", "inventory")
ROWS = 1 << 17
"""Rows of one table; more are refused."""
UNIT = re.compile(r"\s*(gbps|gbit/s|gb/s|g)$", re.IGNORECASE)


class SeenNode(NamedTuple):
    """A row about a device; what it does not say is empty. `role` is one of ours, empty for one
    that is passed over, and `said` what stood there."""

    name: str
    role: str
    said: str
    site: str
    pod: str
    rack: str
    location: str
    asn: str
    loopback: str
    host: str
    span: Span


class SeenCable(NamedTuple):
    """A row about a cable: both nodes, and their ports where they are said."""

    a: str
    a_port: str
    b: str
    b_port: str
    speed: str
    span: Span


@dataclass(frozen=True, slots=True)
class WiringTable:
    """What one file holds; `gone` counts rows about what is not there yet or any more, `other`
    cables that are none between two interfaces."""

    nodes: tuple[SeenNode, ...] = ()
    cables: tuple[SeenCable, ...] = ()
    gone: int = 0
    other: int = 0
    tenants: TenantTable | None = None


def read_table(path: Path) -> WiringTable:
    """The table of a file. Raises `InputError` (C350)."""
    text, file = read_text(path)
    if text.lstrip()[:1] in ("{", "["):
        try:
            value = decoded(text)
        except ValueError as error:
            raise unknown(file, f"it is no JSON: {error}") from None
        table = of_json(value, path, Span(file, 1), text)
    else:
        table = of_csv(text, file)
    if max(len(table.nodes), len(table.cables)) > ROWS:
        raise unknown(file, f"it has more than {ROWS:,} rows")
    return table


def unknown(file: str, why: str) -> InputError:
    """C350."""
    hint = "CSV with name and role, or from and to; exports of NetBox; lldpctl -f json"
    what = f"{file} is no table of wiring: {why}"
    return InputError(Diagnostic("C350", what, Span(file, 1), hint))


def of_csv(text: str, file: str) -> WiringTable:
    """Rule 1."""
    if not text.strip():
        raise unknown(file, "it is empty")
    comma = max(",;\t", key=text.partition("\n")[0].count)
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(StringIO(text, newline=""), delimiter=comma, strict=True)
    try:
        last = 0
        for row in reader:
            rows.append((last + 1, row))
            last = reader.line_num
            if len(rows) > ROWS + 1:
                raise unknown(file, f"it has more than {ROWS:,} rows")
    except csv.Error as error:
        raise unknown(file, f"it is no CSV: {error}") from None
    header = [slug(cell, "_") for cell in rows[0][1]]
    nodes, cables = columns(header, NODES), columns(header, CABLES)
    status = header.index("status") if "status" in header else None
    found, gone = [], 0
    for number, row in rows[1:]:
        if not any(cell.strip() for cell in row):
            continue
        if status is not None and status < len(row) and slug(row[status]) in GONE:
            gone += 1
            continue
        found.append((number, [cell.strip() for cell in row]))
    if cables.keys() >= {"a", "b"}:
        kinds = [place for place, name in enumerate(header) if name in KINDS]
        here = [(n, row) for n, row in found if between_interfaces(row, kinds)]
        seen = (cable(cells(row, cables), Span(file, number)) for number, row in here)
        return WiringTable(cables=tuple(seen), gone=gone, other=len(found) - len(here))
    if nodes.keys() >= {"name", "role"}:
        told = (node(cells(row, nodes), Span(file, number)) for number, row in found)
        return WiringTable(tuple(told), gone=gone)
    tenants = of_rows(header, found, columns, lambda number: Span(file, number))
    if tenants is not None:
        return WiringTable(gone=gone, tenants=tenants)
    names = ", ".join(visible(cell) for cell in rows[0][1][:8])
    raise unknown(file, f"its columns are {names}")


def between_interfaces(row: list[str], kinds: list[int]) -> bool:
    """Whether a cable may carry packets: one of consoles or power is no way."""
    return all(slug(row[place]) in INTERFACE for place in kinds if place < len(row))


def columns(header: list[str], known: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Where the columns are that the words name, the first word first."""
    places = {name: place for place, name in reversed([*enumerate(header)])}
    found = {key: (places[w] for w in words if w in places) for key, words in known.items()}
    return {key: at for key, some in found.items() if (at := next(some, None)) is not None}


def cells(row: list[str], at: Mapping[str, int]) -> dict[str, str]:
    """The cells of a row by their meaning."""
    return {key: row[place] for key, place in at.items() if place < len(row)}


def slug(text: str, dash: str = "-") -> str:
    """A word as NetBox makes one of a name.

    >>> slug("Leaf Switch"), slug(" Side A device", "_")
    ('leaf-switch', 'side_a_device')
    """
    return re.sub(r"[^a-z0-9]+", dash, text.lower()).strip(dash)


def racks_of_two_locations(rows: Iterable[SeenNode]) -> set[str]:
    """Names of racks of which several locations have one; NetBox numbers racks by location."""
    at: dict[str, set[str]] = {}
    for row in rows:
        if row.rack and row.location:
            at.setdefault(slug(row.rack), set()).add(slug(row.location))
    return {rack for rack, locations in at.items() if len(locations) > 1}


def rack_name(text: str, known: dict[str, str]) -> str | None:
    """The name of a rack; None where it is that of one which is `known` by other letters: two racks
    in one would fail together alone.

    >>> names = {}
    >>> [rack_name(text, names) for text in ("Row_1 ", "row 1", "Ряд 1", "Зал 1")]
    ['row-1', 'row-1', '1', None]
    """
    name, said = slug(text), re.sub(r"[\s_-]+", "-", text.strip().casefold())
    return name if known.setdefault(name, said) == said else None


def node(said: Mapping[str, str], span: Span) -> SeenNode:
    """A row about a device."""
    role = ROLE_OF.get(slug(said.get("role", "")), "")
    values = {key: said.get(key, "") for key in NODES if key != "role"}
    return SeenNode(role=role, said=said.get("role", ""), span=span, **values)


def cable(said: Mapping[str, str], span: Span) -> SeenCable:
    """A row about a cable."""
    (a, a_port), (b, b_port) = (end(said.get(e, ""), said.get(f"{e}_port", "")) for e in "ab")
    return SeenCable(a, a_port, b, b_port, UNIT.sub("", said.get("speed", "")), span)


def end(name: str, port: str) -> tuple[str, str]:
    """A node and its port, which may stand behind it."""
    if not port:
        name, _, port = name.partition(":")
    return name.strip(), port.strip()


def of_json(value: Any, path: Path, span: Span, text: str) -> WiringTable:
    """Rules 2 and 3."""
    if isinstance(value, dict) and "lldp" in value:
        return WiringTable(cables=tuple(neighbours(value["lldp"], device_of(path), span)))
    items = value.get("results") if isinstance(value, dict) else value
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise unknown(span.file, "neither a list of objects nor of LLDP")
    here = [item for item in items if slug(label(item.get("status"))) not in GONE]
    gone = len(items) - len(here)
    if all("a_terminations" in item for item in items):
        found = tuple(filter(None, (netbox_cable(item, span) for item in here)))
        return WiringTable(cables=found, gone=gone, other=len(here) - len(found))
    if all("name" in item and ("role" in item or "device_role" in item) for item in items):
        return WiringTable(tuple(netbox_device(item, span) for item in here), gone=gone)
    tenants = of_objects(items, label, _places(text, span, isinstance(value, dict)))
    if tenants is not None:
        return WiringTable(tenants=tenants)
    raise unknown(span.file, "its objects are neither devices nor cables, VRFs nor prefixes")


def _places(text: str, span: Span, page: bool) -> Callable[[int], Span]:
    """Where the objects of a list, or of a page of one, stand."""
    document = read_yaml(text, name=span.file)[0]
    return lambda number: document.span(("results", number) if page else (number,))


def label(value: Any) -> str:
    """What NetBox calls something: an object by its slug, value or name, or text."""
    if isinstance(value, dict):
        known = (value.get(key) for key in ("slug", "value", "name", "display"))
        return next((text for text in known if isinstance(text, str)), "")
    return value if isinstance(value, str) else ""


def netbox_device(item: Mapping[str, Any], span: Span) -> SeenNode:
    """A device of NetBox; numbers of BGP stand among its custom fields."""
    fields = item.get("custom_fields")
    own: Mapping[str, Any] = fields if isinstance(fields, dict) else {}
    said = {
        "name": label(item.get("name")),
        "role": label(item.get("role") or item.get("device_role")),
        "site": label(item.get("site")),
        "rack": label(item.get("rack")),
        "location": label(item.get("location")),
        "host": label(item.get("parent_device")),
        **{key: str(own[key]) for key in ("asn", "loopback", "pod") if own.get(key) is not None},
    }
    return node(said, span)


def netbox_cable(item: Mapping[str, Any], span: Span) -> SeenCable | None:
    """A cable of NetBox between one interface and another; None for other kinds."""
    a, b = (termination(item.get(side)) for side in ("a_terminations", "b_terminations"))
    return None if a is None or b is None else SeenCable(*a, *b, "", span)


def termination(found: Any) -> tuple[str, str] | None:
    """The device and the interface of one end."""
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
        return None
    kind, at = found[0].get("object_type"), found[0].get("object")
    if kind not in (None, "dcim.interface") or not isinstance(at, dict):
        return None
    device = at.get("device")
    name = device.get("name") if isinstance(device, dict) else device
    return label(name), label(at.get("name"))


def device_of(path: Path) -> str:
    """The device that a file of LLDP is named after.

    >>> device_of(Path("lldp/leaf01.json")), device_of(Path("leaf01.lldp.json"))
    ('leaf01', 'leaf01')
    """
    return path.name.removesuffix(".json").removesuffix(".lldp")


def neighbours(value: Any, device: str, span: Span) -> Iterator[SeenCable]:
    """Rule 3."""
    for port, said in interfaces(value):
        name, far = "", ""
        for chassis in plain(said.get("chassis")):
            name = name or chassis_name(chassis)
        for at in plain(said.get("port")):
            far = far or port_name(at)
        if port:
            yield SeenCable(device, port, name, far, "", span)


def interfaces(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Ports and what is heard there, in either form."""
    for whole in plain(value):
        for entry in plain(whole.get("interface")):
            if isinstance(entry.get("name"), str) and "chassis" in entry:
                yield entry["name"], entry
            else:
                yield from ((n, said) for n, said in entry.items() if isinstance(said, dict))


def plain(value: Any) -> list[Mapping[str, Any]]:
    """One object, or those of a list."""
    many = value if isinstance(value, list) else [value]
    return [item for item in many if isinstance(item, dict)]


def word(value: Any) -> str:
    """A text, which `json0` wraps in a list of one object."""
    if isinstance(value, list | dict):
        return next((w for item in plain(value) if (w := word(item.get("value")))), "")
    return value if isinstance(value, str) else ""


def chassis_name(chassis: Mapping[str, Any]) -> str:
    """What a neighbour calls itself: a key of `json`, a field of `json0`."""
    if "name" in chassis:
        return word(chassis["name"])
    inner = [key for key, said in chassis.items() if isinstance(said, dict) and "id" in said]
    return inner[0] if inner else ""


def port_name(at: Mapping[str, Any]) -> str:
    """The neighbour's port: its id if that is a name, else how it is described."""
    for identity in plain(at.get("id")):
        if identity.get("type") in ("ifname", "local"):
            return word(identity.get("value"))
    return word(at.get("descr"))
