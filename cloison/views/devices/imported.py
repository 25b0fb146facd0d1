"""What was read of configurations: devices, what became of every line, and what is not known.

Rules that hold here:

1. Every answer says how many lines changed a fact and how many are ignored for which reason; the
   list itself is there for whoever asks (`--ignored`).
2. What is not known stands in every answer, each with its line.
3. JSON has all facts, each with the line that says it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cloison.render.formats import FORMATS, visible, written
from compiler.imports.config_folder import Imported
from compiler.imports.device_facts import Device, NotKnown, PeerSession, told

SCHEMA = "cloison/import/1"
LINES = "cloison/ignored-lines/1"
COLUMNS = ("device", "format", "asn", "vtep", "vrfs", "interfaces", "sessions", "lists", "rules")
NAMED = 6
"""Things of one kind that a sentence names."""


def rows(found: Imported) -> list[dict[str, Any]]:
    """A row per device."""
    return [
        {
            "device": device.name,
            "format": device.format,
            "asn": device.asn,
            "vtep": None if device.vtep is None else str(device.vtep),
            "vrfs": [vrf.name for vrf in device.vrfs],
            "interfaces": len(device.interfaces),
            "sessions": len(device.sessions),
            "lists": len(device.acls),
            "rules": sum(len(acl.entries) for acl in device.acls),
        }
        for device in found.devices
    ]


def answer(found: Imported, output: str, ignored: bool) -> str:
    """Everything, in a format; with `ignored` the list of ignored lines instead of devices."""
    shape = FORMATS[output]
    meta = {
        "files": found.files,
        "lines": {
            "all": found.lines,
            "change_a_fact": found.lines - len(found.ignored),
            "ignored": len(found.ignored),
            "by_reason": dict(by_reason(found)),
        },
        "passed_over": [file.path for file in found.passed],
        "not_known": [not_known(device, one) for device, one in unknowns(found)],
    }
    if ignored:
        listed = [line.row() for line in found.ignored]
        text = written(listed, schema=LINES, output=output, title="Ignored lines", meta=meta)
    else:
        if shape.beside == "document":
            meta["facts"] = [told(device, lines=True) for device in found.devices]
        text = written(
            rows(found), schema=SCHEMA, output=output, title="Devices", columns=COLUMNS, meta=meta
        )
    if shape.beside == "below":
        text += "".join(f"{shape.sentence(line)}\n" for line in sentences(found))
    return text


def sentences(found: Imported) -> Iterator[str]:
    """Rules 1 and 2, for people."""
    many = f"{found.files:,} file{'s' if found.files != 1 else ''}"
    used = found.lines - len(found.ignored)
    yield ""
    yield f"{found.lines:,} lines of {many}: {used:,} change a fact, {len(found.ignored):,} do not:"
    for reason, count in by_reason(found):
        yield f"  {count:,}: {reason}"
    if passed := tuple(file.path for file in found.passed):
        yield f"Passed over, being no configuration that is read here: {shortly(passed)}."
    for device, one in unknowns(found):
        place = f" ({one.span})" if one.span else ""
        yield visible(f"Not known of {device.name}{place}: {one.what}.")


def by_reason(found: Imported) -> list[tuple[str, int]]:
    """How many lines are ignored for each reason, the most first."""
    count = Counter(line.reason for line in found.ignored)
    return sorted(count.items(), key=lambda item: (-item[1], item[0]))


def unknowns(found: Imported) -> list[tuple[Device, NotKnown]]:
    """What is not known, by device: what the reader says, and neighbours."""
    return [
        (device, one) for device in found.devices for one in (*device.unknowns, *neighbours(device))
    ]


def neighbours(device: Device) -> Iterator[NotKnown]:
    """What the neighbours of a device's VRFs announce, of which nobody here says anything."""
    by_vrf: dict[str, list[PeerSession]] = {}
    for session in device.sessions:
        if not session.down:
            by_vrf.setdefault(session.vrf, []).append(session)
    for vrf, sessions in by_vrf.items():
        names = shortly(tuple(session.peer for session in sessions))
        what = f"what neighbours of VRF {vrf} announce: {names}"
        yield NotKnown("Neighbour", "routes", vrf, "", what, sessions[0].span)


def not_known(device: Device, one: NotKnown) -> dict[str, Any]:
    """One thing as data."""
    return {"device": device.name, **told(one, lines=True)}


def shortly(names: tuple[str, ...]) -> str:
    """The first of many names.

    >>> shortly(("a", "b"))
    'a, b'
    """
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
