"""`cloison compile`: policies to rule dumps, one file per enforcement point and format."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.shell import completion
from cloison.cli.shell.errors import FINDING, UNKNOWN
from cloison.cli.shell.options import (
    NameChoice,
    fabric_argument,
    output_option,
    quiet_option,
    target_option,
    world_options,
)
from cloison.render.colour import colour_wanted
from compiler.targets import catalogue
from fabric.diagnostics import Diagnostic, InputError
from fabric.io.reading import there
from fabric.io.visible import visible

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.views.dumps.drift import Drift
    from compiler.program.program import Program
    from compiler.targets.catalogue import Backend
    from sim.round_trip.read_back import Readback


@click.command()
@fabric_argument
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Write here.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=NameChoice(catalogue.writers),
    help=f"What to write (repeatable); default: {', '.join(catalogue.usual())}.",
)
@click.option(
    "--dialect",
    "of_nvue",
    type=NameChoice(catalogue.dialects),
    help="The dialect of NVUE that --format nvue writes; default: hbn.",
)
@target_option
@click.option(
    "--despite-findings",
    is_flag=True,
    help="Write although there are findings; the exit code stays 1.",
)
@click.option(
    "--node",
    "only",
    multiple=True,
    shell_complete=completion.nodes,
    help="Only this node (repeatable).",
)
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path, file_okay=False),
    help="Compare with the dumps in this folder; write nothing.",
)
@click.option(
    "--read-back",
    "meant",
    type=click.Path(path_type=Path, file_okay=False),
    help="Prove that the configurations in this folder mean what is compiled; write nothing.",
)
@output_option(short=False)
@world_options
@quiet_option
def command(
    fabric: Path,
    out: Path | None,
    formats: tuple[str, ...],
    of_nvue: str | None,
    target: str,
    despite_findings: bool,
    only: tuple[str, ...],
    checked: Path | None,
    meant: Path | None,
    output: str,
    how: How,
    quiet: bool,
) -> None:
    """Compile FABRIC's policies into the tables that every DPU enforces.

    Reports how full every table is where it is fullest; with --node, and in
    other formats than a table, how full those of every DPU are. With -o the
    dumps are written to DIR/<format>/<node>. When something does not fit the target, nothing is
    written and the exit code is 3; when there is a finding, such as a route
    that is imported without a declared intent, nothing is written and it is 1;
    when manifests hold what may decide who reaches whom and is not evaluated,
    nothing is written and it is 4.

    With --check nothing is written: the dumps in DIR are compared with what
    would be, and the exit code is 1 when one differs, is missing, or is of a
    node that is no more.

    With --read-back nothing is written: the configurations in DIR, NVUE of
    every DPU, are read as devices read them and held against what is compiled,
    for all packets, however they are written. The exit code is 1 where they
    mean something else, and 4 where what they mean is not known.
    """
    if sum(folder is not None for folder in (out, checked, meant)) > 1:
        raise click.UsageError("-o writes, --check and --read-back write nothing: choose one")
    if meant is not None and only:
        raise click.UsageError("--read-back is about all nodes together: leave out --node")
    if of_nvue is not None and not any(catalogue.writer(name).dialects for name in formats):
        raise click.UsageError("--dialect is for a format that has several: --format nvue")
    formats = catalogue.in_dialect(formats, of_nvue)
    from cloison.cli.shell.said_beside import tell_findings
    from cloison.render.formats import progress, say, show, table, titled
    from cloison.views.caveats.unknowns import below, with_records
    from cloison.views.dumps.compiled import usage_rows
    from cloison.views.dumps.headroom import room_table
    from cloison.views.world import World
    from compiler.targets.usage import usage
    from fabric.diagnostics import CapacityError
    from fabric.kubernetes.unmodelled.unevaluated import pending

    profile = catalogue.profile(target)
    with progress(quiet=quiet) as tell:
        tell("build and converge")
        world = World.of_fabric(fabric, how)
        tell("compile")
        program = world.program
        if checked is not None:
            formats = formats or dumped(checked)
        asked = formats or (tuple(catalogue.usual()) if out else ())
        nodes = known_points(program, only, asked)
        found = [row for row in usage(program, profile) if not nodes or row.node in nodes]
        too_much = [row for row in found if not row.fits]
        written = 0
        left_out = pending(world.network.not_evaluated)
        sound = despite_findings or not world.findings
        tell_findings(world)
        if out is not None and not too_much and sound and not left_out:
            written = write(program, out, asked, nodes, tell)
        drift = None if checked is None else compared(program, checked, formats, nodes, tell)
        same = None if meant is None else read_again(program, meant, formats, tell)
    if written:
        click.echo(f"{written} files in {visible(str(out))}", err=True)
    records = world.network.not_evaluated
    if drift is not None:
        from cloison.views.dumps.drift import told

        say(told(drift, output))
    elif same is not None:
        from cloison.views.dumps import meanings

        say(meanings.told(same, output))
    elif output == "table" and not nodes:
        part = room_table(world.network, profile, found)
        show(*titled(part.title, table(part.rows, part.columns)))
        say(below(records))
    else:
        rows, title = usage_rows(found), f"Fill of {profile.title}"
        schema, of = "cloison/capacity/1", world.network
        say(with_records(records, rows, network=of, schema=schema, output=output, title=title))
    if left_out and out is not None:
        click.echo("nothing is written: the dumps would lack what is not evaluated", err=True)
    if too_much:
        worst = max(too_much, key=lambda row: row.used / max(row.capacity or 1, 1))
        raise CapacityError(
            f"{profile.name} cannot hold the program: {worst.table} of {worst.node} are "
            f"{worst.used:,}, and {worst.capacity:,} fit; {len(too_much)} tables are too small"
        )
    differs = any(one.differences for one in (same or {}).values())
    if world.findings or (drift is not None and drift.rows) or differs:
        raise click.exceptions.Exit(FINDING)
    if left_out or not all(one.equal for one in (same or {}).values()):
        raise click.exceptions.Exit(UNKNOWN)


def tell_remarks(found: Iterable[Diagnostic]) -> None:
    """What a dump does not do, on stderr."""
    from cloison.render.diagnostics import render

    if remarks := list(found):
        click.echo(render(remarks, colour=colour_wanted(sys.stderr)), err=True)


def known_points(program: Program, only: tuple[str, ...], formats: Iterable[str]) -> frozenset[str]:
    """The nodes that were asked for, each of which must enforce something or have a file in one of
    the formats; none: all of them."""
    from cloison.views.dumps.compiled import enforcing

    nodes = program.network.fabric.nodes
    dumpers = (catalogue.dumper(name, program) for name in formats) if only else ()
    more = {node for dumper in dumpers for node in dumper.nodes(program)}
    return frozenset(nodes[enforcing(program, name, more)].name for name in only)


def write(
    program: Program, out: Path, formats: tuple[str, ...], only: frozenset[str], tell: Any
) -> int:
    """Write each format's files; all appear, whole, or none. Returns how many. Dumps of nodes that
    are no more are removed, unless only some nodes are asked for."""
    from cloison.render.files import Together

    dumps = Dumps.of(program, out, formats, only)
    with Together() as files:
        for _, path, text in dumps.rendered(lambda done, all_: tell("write", done, all_)):
            files.write(path, text)
        for _, path in dumps.stale():
            files.remove(path)
            click.echo(f"{visible(str(path))} is removed: there is no such node", err=True)
    return len(dumps)


def dumped(folder: Path) -> tuple[str, ...]:
    """The formats of which a folder has dumps; `InputError` C874 where there are none."""
    chosen = tuple(name for name in catalogue.writers() if there(folder / name))
    if not chosen:
        what = f"there are no dumps in {visible(str(folder))}"
        raise InputError(Diagnostic("C874", what, hint="compile -o DIR writes some"))
    return chosen


def compared(
    program: Program, folder: Path, formats: tuple[str, ...], only: frozenset[str], tell: Any
) -> Drift:
    """What dumps of some formats in a folder have otherwise."""
    from cloison.views.dumps.drift import drift

    dumps = Dumps.of(program, folder, formats, only)
    return drift(dumps, lambda done, all_: tell("compare", done, all_))


def read_again(
    program: Program, folder: Path, formats: tuple[str, ...], tell: Any
) -> dict[str, Readback]:
    """What the configurations in a folder mean beside what is compiled; of all formats that are
    there and say enough, unless some are asked for."""
    from sim.round_trip.read_back import read_back

    whole = catalogue.whole()
    if odd := next((name for name in formats if name not in whole), None):
        what = f"files of {odd} do not say all that a device does with packets"
        raise InputError(Diagnostic("C803", what, hint=f"read back can be {', '.join(whole)}"))
    chosen = formats or tuple(name for name in whole if there(folder / name))
    if not chosen:
        what = f"there are no configurations in {visible(str(folder))} that could be read back"
        raise InputError(Diagnostic("C874", what, hint="compile --format nvue -o DIR writes some"))
    out = {}
    for name in chosen:
        tell(f"read back {name}")
        names = catalogue.device_names(name, program)
        with TemporaryDirectory() as fresh:
            write(program, Path(fresh), (name,), frozenset(), tell)
            out[name] = read_back(program, folder / name, names, Path(fresh) / name)
    return out


@dataclass(frozen=True, slots=True)
class Dumps:
    """The files of some formats: `paths` by node and format."""

    program: Program
    folder: Path
    backends: Mapping[str, Backend]
    paths: Mapping[int, Mapping[str, Path]]
    whole: bool

    @staticmethod
    def of(program: Program, folder: Path, formats: tuple[str, ...], only: frozenset[str]) -> Dumps:
        """Those of a program below a folder, of all its nodes or of some."""
        names = [node.name for node in program.network.fabric.nodes]
        backends = {name: catalogue.dumper(name, program) for name in catalogue.along(formats)}
        paths: dict[int, dict[str, Path]] = {}
        for name, backend in backends.items():
            tell_remarks(backend.remarks(program))
            for node in backend.nodes(program):
                if not only or names[node] in only:
                    file = f"{names[node]}.{catalogue.writer(name).suffix}"
                    paths.setdefault(node, {})[name] = folder / name / file
        return Dumps(program, folder, backends, paths, not only)

    def __len__(self) -> int:
        return sum(map(len, self.paths.values()))

    def rendered(self, tell: Callable[[int, int], None]) -> Iterator[tuple[str, Path, bytes]]:
        """Every file with its format, node by node: what a node has in several is made once."""
        for done, node in enumerate(sorted(self.paths)):
            tell(done, len(self.paths))
            for name, path in self.paths[node].items():
                yield name, path, self.backends[name].render(self.program, node).encode()

    def stale(self) -> Iterator[tuple[str, Path]]:
        """Files that were dumps of these formats, of nodes that are no more."""
        from cloison.render.stale import stale

        for name in self.backends if self.whole else ():
            for path in stale(self.folder / name, catalogue.writer(name), self.kept(name)):
                yield name, path

    def others(self) -> Iterator[Path]:
        """What else lies in the directories of these formats."""
        from cloison.render.stale import others

        old = {path for _, path in self.stale()}
        for name in self.backends if self.whole else ():
            yield from others(self.folder / name, self.kept(name) | old)

    def kept(self, name: str) -> set[Path]:
        """The files of a format."""
        return {path for mine in self.paths.values() for of, path in mine.items() if of == name}
