"""The devices whose configurations lie in a folder.

Rules that hold here:

1. A file in the folder is a device, called like the file without its suffix; a folder in it is a
   device too, called like the folder, of all files below it that are of the format.
2. A file is of a format when its suffix and its beginning are; comments and blank lines are before
   the beginning. What is of none is passed over, and told with the device that it would be of
   (`passed`): a site's folder holds more than configurations. Hidden folders are none of a site's.
3. Files are read as everything that a stranger may have written: regular ones, of bounded size,
   inside the trees that count (`fabric.io.reading`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from compiler.imports.accounting import ConfigText, IgnoredLine, Reading
from compiler.imports.config_formats import CONFIG_FORMATS, ConfigFormat
from compiler.imports.device_facts import Device
from fabric.diagnostics import Diagnostic, Diagnostics, InputError
from fabric.io.decoded_text import read_text
from fabric.io.dependencies import entries
from fabric.io.uncollected import uncollected

MOST_BYTES = 16 * 2**20
"""Of one configuration: some hundred times what a DPU with the most rules has."""
MOST_FILES = 20_000
HEAD = 4096
COMMENT = ("#", "!", "//")


@dataclass(frozen=True, slots=True)
class PassedFile:
    """A file that is of no format, and the name of the device that it would be of."""

    device: str
    path: str


@dataclass(frozen=True, slots=True)
class Imported:
    """Devices in order of their names, `ignored` lines, and files that are `passed` over."""

    devices: tuple[Device, ...]
    ignored: tuple[IgnoredLine, ...]
    lines: int
    files: int
    passed: tuple[PassedFile, ...]
    leftover: tuple[str, ...] = ()


@uncollected()
def read_folder(folder: Path, formats: Iterable[str] = CONFIG_FORMATS) -> Imported:
    """What lies in a folder, or the device of one file. Raises `InputError` with everything that is
    wrong."""
    wanted = [CONFIG_FORMATS[name] for name in formats]
    found, passed = Diagnostics(), list[PassedFile]()
    readings: list[Reading] = []
    files, kept = 0, dict[str, dict[object, Any]]()
    for name, paths in by_device(folder):
        texts, of = [], list[ConfigFormat]()
        for path in paths:
            text, format_ = of_format(path, wanted, alone=path == folder)
            if format_ is None:
                passed.append(PassedFile(name, str(path)))
            else:
                texts.append(text)
                of.append(format_)
        for format_ in dict.fromkeys(of):
            mine = tuple(t for t, f in zip(texts, of, strict=True) if f is format_)
            files += len(mine)
            here = Diagnostics()
            try:
                reading = format_.load().read(name, mine, here, kept.setdefault(format_.name, {}))
                found.items += here.items
            except InputError as error:
                found.items += error.diagnostics
                continue
            if reading is not None:
                readings.append(reading)
    found.check()
    if not readings:
        words = ", ".join(row.said for row in wanted)
        message = f"{folder} holds no configuration of a device"
        raise InputError(Diagnostic("C830", message, None, f"these are read: {words}"))
    return Imported(
        devices=tuple(distinct(readings)),
        ignored=tuple(line for reading in readings for line in reading.ignored),
        lines=sum(reading.lines for reading in readings),
        files=files,
        passed=tuple(passed),
        leftover=tuple(f"{r.device.span.file}:{n}" for r in readings for n in r.leftover),
    )


def together_of(folders: Sequence[Path], formats: Iterable[str] = CONFIG_FORMATS) -> Imported:
    """What lies in several folders. Raises `InputError`, also where two of them have a device of
    one name (C832)."""
    wanted = tuple(formats)
    found = [read_folder(folder, wanted) for folder in folders]
    known: dict[str, Device] = {}
    problems = Diagnostics()
    for device in (device for one in found for device in one.devices):
        if (other := known.setdefault(device.name, device)) is not device:
            hint = f"the other one: {other.span}"
            problems.error("C832", f"two devices are called {device.name}", device.span, hint)
    problems.check()
    return Imported(
        devices=tuple(known[name] for name in sorted(known)),
        ignored=tuple(line for one in found for line in one.ignored),
        lines=sum(one.lines for one in found),
        files=sum(one.files for one in found),
        passed=tuple(file for one in found for file in one.passed),
        leftover=tuple(line for one in found for line in one.leftover),
    )


def by_device(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Rule 1."""
    if not folder.is_dir():
        yield folder.stem, [folder]
        return
    count = 0
    for name, is_folder, _ in sorted(entries(folder)):
        path = folder / name
        if is_folder and name.startswith("."):
            continue
        paths = [*islice(below(path), MOST_FILES + 1)] if is_folder else [path]
        count += len(paths)
        if count > MOST_FILES:
            message = f"{folder} holds more than {MOST_FILES:,} files"
            raise InputError(Diagnostic("C834", message, None, "import it in parts"))
        if paths:
            yield (name if is_folder else path.stem), paths


def below(folder: Path) -> Iterator[Path]:
    """The files of a device's folder, and of all folders in it (`etc/frr/frr.conf`)."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        for name, is_folder, _ in sorted(entries(here)):
            if not is_folder:
                yield here / name
            elif not name.startswith("."):
                waiting.append(here / name)


def of_format(
    path: Path, wanted: Sequence[ConfigFormat], alone: bool
) -> tuple[ConfigText, ConfigFormat | None]:
    """The text of a file and its format (rule 2); one that is named by itself is of the only format
    that is asked for, whatever it begins with."""
    nothing = ConfigText(str(path), "")
    able = [row for row in wanted if path.suffix in row.suffixes]
    if alone and len(wanted) == 1:
        able = [wanted[0]]
    if not able:
        return nothing, None
    text, file = read_text(path, MOST_BYTES)
    source = ConfigText(file, text)
    if alone and len(wanted) == 1:
        return source, wanted[0]
    head = beginning(text)
    return source, next((row for row in able if row.load().claims(head)), None)


def beginning(text: str) -> str:
    """The first characters of a text that say something.

    >>> beginning("# saved by hand\\n\\n- set:\\n")
    '- set:\\n'
    """
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        line = text[at : min(end, at + HEAD)].strip()
        if line and (not line.startswith(COMMENT) or line.startswith("#!")):
            break
        at = end
    return text[at : at + HEAD]


def distinct(readings: Sequence[Reading]) -> Iterator[Device]:
    """Devices by name, each name once: of two formats of one device (its routes from one program,
    its rules from another) the facts of both. Two of one format cannot be one device."""
    known: dict[str, list[Device]] = {}
    found = Diagnostics()
    for reading in readings:
        known.setdefault(reading.device.name, []).append(reading.device)
    for name, devices in sorted(known.items()):
        formats = [device.format for device in devices]
        if len(set(formats)) < len(formats):
            hint = "a file and a folder have one name"
            found.error("C832", f"two devices are called {name}", devices[1].span, hint)
    found.check()
    for _, devices in sorted(known.items()):
        yield together(devices)


def together(devices: Sequence[Device]) -> Device:
    """The facts of several formats about one device."""
    first, *others = devices
    for other in others:
        first = replace(
            first,
            format=f"{first.format}, {other.format}",
            hostname=first.hostname or other.hostname,
            asn=first.asn or other.asn,
            router_id=first.router_id or other.router_id,
            vtep=first.vtep or other.vtep,
            interfaces=(*first.interfaces, *other.interfaces),
            vlans=(*first.vlans, *other.vlans),
            vrfs=(*first.vrfs, *other.vrfs),
            sessions=(*first.sessions, *other.sessions),
            prefix_filters=(*first.prefix_filters, *other.prefix_filters),
            route_maps=(*first.route_maps, *other.route_maps),
            acls=(*first.acls, *other.acls),
            bindings=(*first.bindings, *other.bindings),
            unknowns=(*first.unknowns, *other.unknowns),
            sayings=(*first.sayings, *other.sayings),
        )
    return first
