"""Policies of least privilege from observed flows: captures and flow logs, by what they begin with.

What is suggested is tried on the files, as every suggestion is (`cloison.verbs.suggesting`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from cloison.loading.how import How
from cloison.verbs.over_time import refuse_one_moment
from cloison.verbs.replaying import arrivals
from cloison.verbs.suggesting import edited
from cloison.views.world import World
from fabric.building.network import Network, refuse_devices
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.io.reading import opened
from sim.diff.permitted.label_groups import Room, groups
from sim.diff.permitted.least import LeastPrivilege, least
from sim.diff.permitted.observed import FlowsSeen, Observed
from sim.diff.permitted.policies import Width
from sim.packets.capfile import PCAP_MAGICS, SECTION_MAGIC
from sim.packets.flow_log import FlowLog
from sim.packets.headers import Packets
from sim.packets.pcap import MAX_CAPTURE, Reader
from sim.pipeline.arrivals import Arrivals

SINGLE: Width = (32, 128)


def permitted(
    fabric: Path, how: How, files: Sequence[Path], tell: Callable[[str], None], *,
    width: Width = SINGLE, rooms: Iterable[str] = (), vrf: str | None = None,
) -> tuple[World, LeastPrivilege, tuple[str, ...]]:  # fmt: skip
    """The world, what was found, and what to know about the files. Raises `InputError`."""
    world = World.of_fabric(fabric, how)
    refuse_one_moment([world], how)
    refuse_devices(world.network, "a suggestion of policies")
    chosen = named_rooms(world.network, rooms)
    tell("read the flows")
    seen, notes = observed(world, files, vrf)
    tell("write and prove")
    found = least(world, seen, partial(edited, fabric, how), width, chosen)
    return world, found, notes


def observed(
    world: World, files: Sequence[Path], vrf: str | None = None
) -> tuple[Observed, tuple[str, ...]]:
    """What files of captures and flow logs hold, judged; and what to know about them."""
    seen, notes = FlowsSeen(world), []
    for path in files:
        if is_capture(path):
            reader = Reader(path)
            seen.add_arrivals(arrivals(world, [reader], vrf))
            notes += [str(warning) for warning in reader.warnings]
        else:
            log = FlowLog(path)
            seen.add_log(log)
            if log.skipped:
                notes.append(f"{path}: {log.skipped:,} of {log.lines:,} lines are no flows")
    return seen.judged(), tuple(notes)


def sent_flows(
    world: World, files: Sequence[Path], vrf: str | None = None
) -> Iterator[Packets | Arrivals]:
    """The packets of captures, and one of each flow of logs, dropped ones too."""
    for path in files:
        if is_capture(path):
            yield from arrivals(world, [Reader(path)], vrf)
            continue
        seen = FlowsSeen(world, dropped_too=True)
        seen.add_log(FlowLog(path))
        if seen.counts:
            yield seen.packets()


def is_capture(path: Path) -> bool:
    """Whether a file begins as captures do."""
    with opened(path, MAX_CAPTURE, "C953") as file:
        magic = file.read(4)
    return magic in PCAP_MAGICS or magic == SECTION_MAGIC


def named_rooms(network: Network, names: Iterable[str]) -> frozenset[Room] | None:
    """Namespaces by `tenant/namespace`; None where none is named."""
    given = tuple(names)
    known = {"/".join(group.room): group.room for group in groups(network)}
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(_few(known))}"
            what = f'no namespace with pods is called "{name}"'
            raise InputError(Diagnostic("C956", what, None, hint))
    return frozenset(known[name] for name in given) if given else None


def _few(names: Iterable[str], most: int = 8) -> Iterator[str]:
    for number, name in enumerate(names):
        if number == most:
            yield "…"
            return
        yield name
