"""Configurations of NVUE of a program, written into a folder and read back."""

from __future__ import annotations

from pathlib import Path

from compiled import compile_network

from compiler.program.program import Program
from compiler.targets.catalogue import dumper
from compiler.targets.nvue.nvue import Nvue
from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.round_trip.read_back import Readback, read_back

TOPOLOGIES = Path(__file__).parents[1] / "topologies"
FORMATS = ("nvue", "nvue-cumulus")


def of_file(path: Path) -> Program:
    """The program of a fabric file."""
    return compile_network(build(load_fabric(path), lock=False))


def backend(program: Program, name: str) -> Nvue:
    """What writes a format."""
    found = dumper(name, program)
    assert isinstance(found, Nvue)
    return found


def write(program: Program, name: str, folder: Path) -> Nvue:
    """Every file of a format."""
    found = backend(program, name)
    folder.mkdir(parents=True, exist_ok=True)
    for node in found.nodes(program):
        path = folder / f"{program.network.fabric.nodes[node].name}.yaml"
        path.write_text(found.render(program, node))
    return found


def round_trip(program: Program, name: str, folder: Path) -> Readback:
    """Write, read back, compare."""
    return read_back(program, folder, write(program, name, folder).interfaces(program))
