"""A made-up target, a dump and a device that holds it: one file (this) and one row (`ROW`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from target_laws import complete, known_again

import cloison
from cloison.cli import main
from compiler.program.dpu import enforcement_points
from compiler.program.program import Program
from compiler.targets.catalogue import TARGETS, Target, Writer, writers
from compiler.targets.profiles import Limit, Profile
from fabric.diagnostics import Diagnostic

SMALL = Path(__file__).parents[2] / "topologies" / "small.yaml"


@dataclass(frozen=True, slots=True)
class Abacus:
    """A dump that only counts: a bead per entry of each group."""

    def nodes(self, program: Program) -> tuple[int, ...]:
        return enforcement_points(program)

    def remarks(self, program: Program) -> tuple[Diagnostic, ...]:
        return ()

    def render(self, program: Program, node: int, /) -> str:
        beads = "".join(f"{'o' * len(g.entries)}\n" for g in program.groups_at(node))
        return f"ABACUS of {program.network.fabric.nodes[node].name}\n{beads}"


ROW = Target(
    "abacus",
    Writer("beads", r"ABACUS of NODE\n", None, True, Abacus, False, (), (), False),
    Profile("abacus", "Wooden DPU", "ranges", (Limit("groups", 2, "its rods"),), None),
)


@pytest.fixture(autouse=True)
def row() -> Iterator[None]:
    with TARGETS.also(ROW):
        yield
    assert "abacus" not in TARGETS


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_compile_writes_it_and_removes_what_is_stale(tmp_path: Path) -> None:
    compile_it = ("compile", SMALL, "-q", "--format", "abacus", "-o", tmp_path)
    done = run(*compile_it)
    assert done.exit_code == 0, done.output
    first = tmp_path / "abacus" / "dpu1.beads"
    assert first.read_text().startswith("ABACUS of dpu1\no")
    gone = first.with_stem("dpu9")
    gone.write_text(first.read_text().replace("dpu1", "dpu9"))
    theirs = first.with_stem("notes")
    theirs.write_text("mine")
    assert "dpu9.beads is removed" in run(*compile_it).stderr
    assert (gone.exists(), theirs.exists()) == (False, True)


def test_programs_are_held_against_its_capacities() -> None:
    assert "its rods" in run("show", "tables", SMALL, "--target", "abacus").stdout
    done = run("compile", SMALL, "--target", "abacus")
    assert (done.exit_code, "abacus cannot hold the program" in done.stderr) == (3, True)
    assert not cloison.compile(SMALL, target="abacus").fits


def test_python_dumps_it() -> None:
    assert cloison.compile(SMALL).dump("dpu1", "abacus").startswith("ABACUS of dpu1\n")


def test_help_and_completion_know_it() -> None:
    assert re.search(r"--format \[canonical\|.*abacus\]", run("compile", "--help").stdout)
    shell = ShellComplete(main, {}, "cloison", "_CLOISON_COMPLETE")
    for option in ("--format", "--target"):
        offered = shell.get_completions(["compile", str(SMALL), option], "aba")
        assert [item.value for item in offered] == ["abacus"]


def test_it_is_a_whole_target() -> None:
    complete(ROW)
    known_again(ROW.name, cloison.compile(SMALL).program)


def test_without_the_head_of_its_files_it_is_none() -> None:
    """`compile` would leave dumps of nodes that are gone."""
    assert ROW.writer is not None
    with (
        TARGETS.also(
            replace(ROW, name="headless", writer=replace(ROW.writer, head="FRAME of NODE"))
        ),
        pytest.raises(AssertionError, match="does not know its own dumps"),
    ):
        known_again("headless", cloison.compile(SMALL).program)


def test_with_neither_writer_nor_profile_it_is_none() -> None:
    with pytest.raises(ValueError, match="abacus neither writes nor says how much fits"):
        replace(ROW, writer=None, profile=None)
    with pytest.raises(AssertionError, match="goes by the name"):
        complete(replace(ROW, name="soroban"))
    assert "abacus" in writers()


class Quiet:
    """A back end that looks whole until `compile` asks what its files do not do."""

    nodes, render = Abacus.nodes, Abacus.render


class Nodeless:
    remarks, render = Abacus.remarks, Abacus.render


@pytest.mark.parametrize(("half", "lacks"), [(Quiet, "remarks"), (Nodeless, "nodes")])
def test_with_half_a_back_end_it_is_none(half: Any, lacks: str) -> None:
    assert ROW.writer is not None
    with pytest.raises(AssertionError, match=f"abacus has no {lacks}"):
        complete(replace(ROW, writer=replace(ROW.writer, load=half)))
