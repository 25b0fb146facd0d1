"""Files beside the configurations of a site that are of no format, and called like its devices.

A configuration that is there and not read is none that nobody gave. Rules that hold here:

1. A file is called like a device as a configuration is (`device_places`): by its name without the
   suffix, or that of its folder, or the first part of either.
2. Nothing is known of a device that has one: neither of one with a configuration, whose other rules
   may stand there, nor does `transit` count for one without. It is a finding (C882).
3. What else is passed over is one warning. What is no configuration by its name is nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from compiler.imports.config_folder import Imported, PassedFile
from compiler.imports.device_facts import Device, NotKnown
from compiler.imports.joined.device_places import names_of, some_of
from fabric.diagnostics import FINDING, Diagnostic, Diagnostics, Span
from fabric.file.spec import FabricSpec
from fabric.wiring.topology import Fabric, Role

NAMES = frozenset(("daemons", "vtysh.conf", "readme", "license", "makefile"))
SUFFIXES = frozenset((".md", ".rst", ".adoc", ".png", ".svg", ".pdf", ".py", ".sh"))
HINT = "write it as the device prints it, or move it out of the folder"


def with_unread(
    spec: FabricSpec, fabric: Fabric, imported: Imported, found: Diagnostics
) -> tuple[tuple[Device, ...], frozenset[str]]:
    """The devices, of which nothing is known where something was not read, and the names of nodes
    without configuration that have a file all the same."""
    given = {name: d.name for d in imported.devices for name in names_of(d)}
    nodes = {node.name for node in fabric.nodes if node.role is not Role.HOST}
    unread: dict[str, list[PassedFile]] = defaultdict(list)
    silent: set[str] = set()
    others: list[str] = []
    for file in imported.passed:
        if no_configuration(file):
            continue
        names = (file.device, file.device.partition(".")[0])
        device = next((given[name] for name in names if name in given), None)
        node = next((name for name in names if name in nodes), None)
        if device is None and node is None:
            others.append(PurePath(file.path).name)
            continue
        here = PurePath(file.path).name
        what = f"{here} is called like {device or node}, and is no configuration that is read"
        item = Diagnostic("C882", what, Span(file.path, 1), HINT, FINDING)
        found.items.append(item)
        if device is not None:
            unread[device].append(file)
        elif node is not None:
            silent.add(node)
    if others:
        what = f"{some_of(others)}: no configurations, and called like no device"
        found.warn("C882", what, spec.at("devices", "from"), HINT)
    return tuple(doubted(d, unread.get(d.name, [])) for d in imported.devices), frozenset(silent)


def no_configuration(file: PassedFile) -> bool:
    """Whether a file is something else by its name."""
    path = PurePath(file.path)
    plain = path.name.lower()
    return (
        plain.startswith(".")
        or bool({plain, path.stem.lower()} & NAMES)
        or (path.suffix.lower() in SUFFIXES)
    )


def doubted(device: Device, files: list[PassedFile]) -> Device:
    """A device of which files were not read."""
    return replace(device, unknowns=(*device.unknowns, *not_read(files))) if files else device


def not_read(files: list[PassedFile]) -> Iterator[NotKnown]:
    """What is not known because of them."""
    for file in files:
        what = f"{PurePath(file.path).name} is no configuration that is read"
        yield NotKnown("File", "forwarding", "", "", what, Span(file.path, 1))
