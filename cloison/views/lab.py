"""Labs as the front door sees them: built from a fabric file, found again, tried, removed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cloison.loading.how import How
from cloison.views.world import World
from compiler.program.program import Program
from fabric.building.inputs import input_files
from fabric.building.load import examine
from fabric.diagnostics import Diagnostic, InputError
from fabric.values.ports import PROTOCOLS, WITH_PORTS
from fabric.values.ports import parse_ports as read_ports
from sim.lab import kernel, state
from sim.lab.layout import Layout
from sim.lab.probes import TRACKED, Probe
from sim.lab.trial import Trial, trial
from sim.lab.up import Tell, digest, remove, undone, up
from sim.packets.headers import Flow
from sim.packets.notation import show as flow_text
from sim.pipeline.traffic import interesting_ports


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that is up, with its program. Without `rules` only routes are in force."""

    program: Program
    layout: Layout
    rules: bool

    @staticmethod
    def up(fabric: Path, how: How, tell: Tell) -> Lab:
        """Build a fabric file in the kernel."""
        kernel.require()
        program = World.of_fabric(fabric, how).program
        name, about = os.urandom(4).hex(), state.About(str(fabric.resolve()), how.down, at=how.at)
        state.write(name, about)
        with undone(name), kernel.willing():
            vrf_devices, rules = kernel.abilities(f"cln-{name}-probe")
            layout = Layout(program.network, name, vrf_devices)
            made = (vrf_devices, rules, digest(program, layout))
            up(program, layout, state.About(about.fabric, about.down, *made, at=how.at), tell)
        return Lab(program, layout, rules)

    @staticmethod
    def found(lab: str) -> Lab:
        """A lab that is on record; `InputError` when its input has changed since, or when parts of
        it are gone."""
        kernel.require()
        about = state.read(lab)
        there = {"down": tuple(about.down), "time": (about.at,) if about.at else ()}
        program = World.of_fabric(Path(about.fabric), How(there)).program
        layout = Layout(program.network, lab, about.vrf_devices)
        if digest(program, layout) != about.digest:
            message = f"{about.fabric} has changed since lab {lab} came up"
            raise InputError(Diagnostic("C722", message, hint=f"cloison lab down {lab}"))
        if missing := set(layout.spaces) - kernel.existing():
            message = f"lab {lab} is not whole: {min(missing)} is gone"
            raise InputError(Diagnostic("C723", message, hint=f"cloison lab down {lab}"))
        return Lab(program, layout, about.rules)

    @property
    def realisation(self) -> str:
        """How VRFs are realised, in words."""
        return "VRF devices" if self.layout.vrf_devices else "namespaces"

    def trial(
        self,
        ports: Sequence[tuple[int, int]] = (),
        *,
        every: bool = False,
        tap: IO[bytes] | None = None,
        tell: Tell,
    ) -> Trial:
        """Send and compare; `every` tries both sides of every bound that the policy has. To Linux
        both directions of a protocol that it does not track are one flow: these are left out."""
        world = World.compiled(self.program)
        if every:
            found = interesting_ports(world.blocks)
            ports = [(protocol, port) for protocol, port in found if protocol in TRACKED]
        return trial(
            world,
            self.layout,
            rules=self.rules,
            ports=ports,
            tap=tap,
            tell=tell,
        )


def down(lab: str) -> int:
    """Remove a lab; how many namespaces there were."""
    state.known(lab)
    kernel.require()
    return remove(lab)


@contextmanager
def for_test(fabric: Path | None, how: How, tell: Tell) -> Iterator[Lab]:
    """The lab that is up for a fabric file, or one that lives as long as the block."""
    known = state.labs()
    if fabric is None:
        if len(known) != 1:
            message = f"which lab? there are {len(known)}"
            raise InputError(Diagnostic("C724", message, hint="name a fabric file"))
        yield Lab.found(known[0])
        return
    if same := [lab for lab in known if _is_of(lab, fabric, how)]:
        yield Lab.found(same[-1])
        return
    lab = Lab.up(fabric, how, tell)
    try:
        yield lab
    finally:
        remove(lab.layout.id)


def inputs(fabric: Path | None) -> Iterator[Path]:
    """What the lab of `for_test` is read from, as far as that can be read."""
    known = state.labs()
    path = fabric or (Path(state.read(known[0]).fabric) if len(known) == 1 else None)
    if path is not None:
        yield path
        spec, _ = examine(path)
        yield from input_files(spec) if spec else ()


def _is_of(lab: str, fabric: Path, how: How) -> bool:
    try:
        about = state.read(lab)
    except InputError:
        return False
    wanted = str(fabric.resolve()), how.down, how.at
    return (about.fabric, about.down, about.at) == wanted


def parse_ports(texts: Sequence[str]) -> list[tuple[int, int]]:
    """`443/tcp`, `icmp` as (protocol, port); ranges stand for both ends. `ValueError` as
    `fabric.values.ports.parse_ports`."""
    out: list[tuple[int, int]] = []
    for found in (found for text in texts for found in read_ports(text)):
        for protocol in [found.protocol] if found.protocol in PROTOCOLS.values() else [6, 17]:
            if protocol in WITH_PORTS:
                out += [(protocol, found.first), (protocol, found.last)]
            else:
                out.append((protocol, 0))
    return sorted(set(out))


def flow_of(probe: Probe) -> Flow:
    """The header of a probe."""
    return Flow(-1, probe.version, probe.src, probe.dst, probe.protocol, probe.sport, probe.dport)


def rows(found: Trial) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Counts per family, and differences."""
    counts = [
        {
            "family": f"IPv{version}",
            "flows": found.sent[version],
            "allowed": found.arrived[version],
            "denied": found.sent[version] - found.arrived[version],
            "replies": found.replies[version],
        }
        for version in (4, 6)
    ]
    differences = [
        {
            "source": one.source,
            "packet": flow_text(flow_of(one.probe)),
            "kernel": one.kernel,
            "simulator": one.simulator,
        }
        for one in found.differences
    ]
    return counts, differences
