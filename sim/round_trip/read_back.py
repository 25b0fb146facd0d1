"""Configurations of NVUE that were written, read back and held against the world that wrote them,
for all packets: who is where, where routes lead, what lists decide.

Equal in all three is equal in every verdict: nothing else makes one. What the files do not say
(`Readback.assumed`) is the same for both: neighbours that are not VTEPs bring no other routes, and
the fabric between VTEPs carries what they send.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from compiler.imports.config_folder import Imported, read_folder
from compiler.imports.device_facts import Device
from compiler.imports.sites.site import site
from compiler.program.program import Program
from fabric.diagnostics import Diagnostic, InputError
from fabric.io.reading import read_bytes, there
from sim.round_trip.same_ends import Both, differing_ends, own
from sim.round_trip.same_facts import other_facts
from sim.round_trip.same_lists import SameLists
from sim.round_trip.same_replies import AsWritten
from sim.round_trip.same_routes import chosen_by_underlay, differing_routes, even
from sim.round_trip.same_words import other_words

ASSUMED = ("Neighbour", "Underlay")
"""Kinds of records that every folder of configurations has; so have parts of one endpoint, of what
they send each other."""


@dataclass(frozen=True, slots=True)
class Readback:
    """What was compared and where it differs. `by_underlay` are addresses of which the underlay
    chooses where they lead, which files of VTEPs do not say; `unknown` is what was read and not
    understood, beside what is `assumed`."""

    files: int
    classes: int
    instances: int
    differences: tuple[str, ...]
    by_underlay: tuple[str, ...]
    unknown: tuple[str, ...]
    ignored: int

    @property
    def equal(self) -> bool:
        """Whether every packet fares as it is meant to, as far as files say."""
        return not self.differences and not self.unknown


def accounted(folder: Path) -> Imported:
    """The files of a folder; `InputError` C831 where not every line of them is accounted for."""
    found = read_folder(folder, ("nvue",))
    if found.leftover:
        message = f"lines were read and not accounted for: {', '.join(found.leftover[:4])}"
        raise InputError(Diagnostic("C831", message))
    return found


def as_written(folder: Path, fresh: Path, files: int) -> frozenset[str] | None:
    """The devices whose files are what would be written, byte by byte; None where all are, and
    nothing else is among so many `files`."""
    names = [path.name for path in fresh.iterdir()]
    same = {
        name
        for name in names
        if there(path := folder / name) and read_bytes(path) == (fresh / name).read_bytes()
    }
    if len(names) != files:
        return frozenset()
    return None if len(same) == files else frozenset(Path(name).stem for name in same)


def by_name(devices: Iterable[Device]) -> dict[str, Device]:
    """Devices by name."""
    return {device.name: device for device in devices}


def read_back(
    program: Program,
    folder: Path,
    names: Mapping[int, Mapping[int, str]],
    fresh: Path | None = None,
) -> Readback:
    """A folder of files of NVUE beside the program that they were written of; `names` are the
    interfaces of endpoints by node. `fresh` is a folder of what would be written now: packets of
    known connections are compared with that, and with nothing where it is None."""
    found = accounted(folder)
    both = Both.of(program, site(found), names)
    evenly = even(program.network)
    differences = [*differing_ends(both, evenly)]
    differences += map(str, differing_routes(both, evenly))
    lists = SameLists(program, found.devices)
    for node, mine in names.items():
        ends = [end for end in program.ends_at(node) if end.index in mine]
        for end, has in zip(ends, own(program.network, ends, node), strict=True):
            lists.compare(end, node, mine[end.index], has)
    differences += [str(one) for one in lists.proof.differences]
    known = {node.name for node in program.network.fabric.nodes}
    differences += [
        f"{name} was read, and there is none" for name in sorted({*lists.devices} - known)
    ]
    beside = [
        f"{file.path} is of {file.device} and of no known format"
        for file in found.passed
        if file.device in known
    ]
    same = None if fresh is None else as_written(folder, fresh, found.files)
    if fresh is not None and same is not None:
        newly = accounted(fresh)
        again = by_name(newly.devices)
        differences += AsWritten(lists.devices, again).differing(program, names, same)
        behind = {both.node(node): frozenset(mine.values()) for node, mine in names.items()}
        beside += other_facts(lists.devices, again, behind)
        beside += other_words(folder, fresh, again.keys() - same)
    unknown = [
        f"{record.kind} {record.name}: {record.what}"
        for record in both.site.network.not_evaluated
        if record.kind not in ASSUMED and not (record.kind == "Interface" and record.senders)
    ]
    return Readback(
        found.files,
        lists.proof.classes,
        len(program.network.plan.instances),
        tuple(differences),
        tuple(map(str, chosen_by_underlay(both, evenly))),
        tuple(dict.fromkeys((*unknown, *beside))),
        len(found.ignored),
    )
