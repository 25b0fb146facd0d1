"""The table of scale: what each piece of work costs on a world of a stated size.

    python bench/scale.py [ROW…] [--rounds 5] [--kept]

Each row is one command in a process of its own: CPU seconds (median of the rounds) and the most
memory that it had. The bound beside it is what Python needs, in the same run, to read as many bytes
of YAML as the row's input has with libyaml, or else to start and import what verbs import: no verb
can do with less. `must` is what we hold ourselves to. A row that ends with another exit code than
0 or 1 says so: its figures are of an answer that was not given.

Nothing is kept from run to run, as on a machine that reads the fabric for the first time. With
`--kept` each row has run once before, as at a desk, where what was read stays until a file changes
(docs/limits.md).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click
from shaped_worlds import SHAPES, WRITTEN, digest, write

from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.packets.headers import Flow
from sim.packets.pcap import CaptureWriter, craft

TOPOLOGIES = Path(__file__).parent.parent / "topologies"
CLOISON = str(Path(sys.executable).parent / "cloison")
LARGE, DEMO = (TOPOLOGIES / f"{name}.yaml" for name in ("large", "demo"))
FORMATS = ("canonical", "text", "nftables", "frr", "frr10", "linux", "linux10")
FRAMES, DIFFERENT = 1_000_000, 1_000
FAR = "t0001/@node/host1", "t0001/@node/host900:443/tcp"
STAGES = """
import sys, time
from pathlib import Path
from compiler.targets.profiles import DASH_400G
from compiler.targets.usage import usage
from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.blocks.blocks import build_blocks
from sim.worlds.world import World

clock = time.process_time
began, last = clock(), [0.0]
def lap(name):
    spent = clock() - began
    print(f"    {name:8}{spent - last[0]:8.2f} s", file=sys.stderr)
    last[0] = spent
spec = load_fabric(Path(sys.argv[1])); lap("load")
network = build(spec, lock=False); lap("build")
if sys.argv[2:] == ["all"]:
    program = World(network).program; lap("compile")
    build_blocks(program); lap("blocks")
    usage(program, DASH_400G); lap("usage")
"""
FAILURE = """
import sys, time
from pathlib import Path
from fabric.building.build import build, rebuild
from fabric.building.load import load_fabric

network = build(load_fabric(Path(sys.argv[1])), lock=False)
network.underlay.table.hops
began = time.process_time()
after = rebuild(network, down=[sys.argv[2]])
said = f"    distances and FIBs {time.process_time() - began:.2f} s, then all next hops"
after.underlay.table.hops
print(said, file=sys.stderr)
print(time.process_time() - began)
"""
SWEEP = """
import subprocess, sys, time

began = time.perf_counter()
command = [sys.argv[2], "verify", sys.argv[1], "--root", "/", "--workers", "2"]
code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
print(time.perf_counter() - began)
sys.exit(code)
"""
EDITED = """\
cloison: 1
extends: {large}
name: large
patch:
  - {{ at: [zones, zone2, rules, 1, ports], set: [444/tcp] }}
"""
UNDER = """\
cloison: 1
extends: {large}
name: failures
patch:
  - at: [expect]
    set:
      - {{ deny: "t001/* <-> t100/*", hold_under: [any-1-node] }}
      - {{ allow: "t017/web/bff -> t017/ml/infer:8000/tcp", hold_under: [any-1-node] }}
      - {{ deny: "*/@node/* -> zone0/bmc", hold_under: [any-1-node] }}
"""
READ = """
import sys, yaml
from pathlib import Path
for name in sys.argv[1:]:
    for event in yaml.parse(Path(name).read_bytes(), yaml.CSafeLoader):
        pass
"""
IMPORTS = "import click, numpy, pydantic, yaml"


@dataclass(frozen=True, slots=True)
class Row:
    """`command` makes the arguments of one process, given a folder and the input's path; what a row
    `prints` are its seconds, of which it only asks for a part."""

    what: str
    world: str
    command: Callable[[Path, Path], list[str]]
    seconds: float
    gib: float = 24.0
    prints: bool = False


def python(code: str, *more: str) -> Callable[[Path, Path], list[str]]:
    """A script that gets the path of its input, and more."""
    return lambda folder, path: [sys.executable, "-c", code, str(path), *more]


def verb(*arguments: str) -> Callable[[Path, Path], list[str]]:
    """A verb; {} stands for its input, {out} for an own folder, {other} for an edited copy, {proof}
    for a certificate."""

    def command(folder: Path, path: Path) -> list[str]:
        named = {"{}": str(path), "{large}": str(LARGE), "{demo}": str(DEMO)}
        named |= {f"{{{name}}}": str(folder / name) for name in ("out", "other", "proof")}
        return [CLOISON, *(named.get(word, word) for word in arguments)]

    return command


ROWS = {
    "pods": Row("load, build, compile, blocks, usage", "pods", python(STAGES, "all"), 90, 8),
    "dpus": Row("build and converge", "dpus", python(STAGES), 60, 8),
    "failure": Row("a link fails", "dpus", python(FAILURE, "pod1-leaf1--pod1-spine1"), 2, 8, True),
    "spine": Row("a spine fails", "dpus", python(FAILURE, "pod1-spine1"), 2, 8, True),
    "dpu": Row("a DPU fails", "dpus", python(FAILURE, "dpu1"), 2, 8, True),
    "dpus-check": Row("check", "dpus", verb("check", "{}"), 90, 8),
    "dpus-routes": Row(
        "show routes of one DPU", "dpus", verb("show", "routes", "{}", "--node", "dpu1"), 90, 8
    ),
    "dpus-explain": Row("explain", "dpus", verb("explain", "{}", *FAR), 90, 8),
    "vrfs": Row("build and converge", "vrfs", python(STAGES), 15, 8),
    "reach": Row("reach DIR", "cluster", verb("reach", "{}", "-o", "json"), 10, 2),
    "diff": Row("diff DIR DIR, one policy less", "cluster", verb("diff", "{}", "{other}"), 10, 2),
    "tables": Row("check, wiring in tables", "written", verb("check", "{}"), 5, 2),
    "wired": Row("verify, wiring in tables", "written", verb("verify", "{}"), 10, 2),
    "check": Row("check", "large", verb("check", "{}"), 3),
    "verify": Row("verify", "large", verb("verify", "{}"), 8),
    "explain": Row(
        "explain", "large", verb("explain", "{}", "t017/web/bff", "t017/ml/infer:8000/tcp"), 3
    ),
    "reach-to": Row("reach --to", "large", verb("reach", "{}", "--to", "shared/storage/s3"), 3),
    "simulate": Row("simulate", "large", verb("simulate", "{}"), 10),
    "equal": Row("diff of equal worlds", "large", verb("diff", "{}", "{}"), 4),
    "one-line": Row("diff, one line changed", "edited", verb("diff", "{large}", "{}"), 5),
    "compile": Row(
        "compile -o, every format",
        "large",
        verb("compile", "{}", "-o", "{out}", *(w for f in FORMATS for w in ("--format", f))),
        15,
    ),
    "certificate": Row(
        "verify --certificate", "large", verb("verify", "{}", "--certificate", "{proof}"), 60
    ),
    "certified": Row(
        "verify --check-certificate",
        "proven",
        verb("verify", "{}", "--check-certificate", "{proof}"),
        120,
    ),
    "capture": Row("replay of 1 M packets", "capture", verb("replay", "{demo}", "{}"), 0.8),
    "failures": Row(
        "any-1-node (seconds of two cores)", "failures", python(SWEEP, CLOISON), 60, 2, True
    ),
}
WORLDS = {
    "large": "large.yaml",
    "edited": "large.yaml, and one line of it edited",
    "proven": "large.yaml, and a certificate of it",
    "failures": "large.yaml, with three lines that hold whatever node fails",
    "capture": f"{FRAMES:,} packets, {DIFFERENT:,} of them different, between pods of demo.yaml",
}


def inputs(world: str, folder: Path) -> Path:
    """Write a world below a folder once, and an edited copy of a cluster beside it."""
    if world == "large":
        return LARGE
    if world == "proven":
        if not (folder / "proof").exists():
            subprocess.run([CLOISON, "verify", LARGE, "--certificate", folder / "proof"])
        return LARGE
    if world == "capture":
        return capture(folder / "capture.pcapng")
    if world in ("failures", "edited"):
        path = folder / f"{world}.yaml"
        text = UNDER if world == "failures" else EDITED
        path.write_text(text.format(large=LARGE), "utf-8")
        return path
    path = write(SHAPES.get(world) or WRITTEN[world], folder / world)
    if path.is_dir():
        text = (path / "all.yaml").read_text("utf-8")
        other = folder / "other"
        other.mkdir(exist_ok=True)
        (other / "all.yaml").write_text(text[: text.rindex("---\n")], "utf-8")
    return path


def capture(path: Path) -> Path:
    """Packets between pods of the demo: a thousand different ones, again and again."""
    pods = [e for e in build(load_fabric(DEMO), lock=False).endpoints if e.kind == "pod"]
    chance = Random(1)
    with path.open("wb") as file:
        writer, begun = CaptureWriter(file), 0
        for number in range(DIFFERENT + 1):
            version = (4, 6)[number % 2]
            ends = (
                next(int(p.network_address) for p in pod.prefixes if p.version == version)
                for pod in chance.sample(pods, 2)
            )
            frame = craft(Flow(0, version, *ends, 6, 1024 + number, chance.choice((80, 443, 8080))))
            writer.write(frame, time=number, comment="", original=len(frame))
            begun = begun or file.tell()
    again = path.read_bytes()[begun:]
    with path.open("ab") as file:
        for _ in range(FRAMES // DIFFERENT - 1):
            file.write(again)
    return path


def measured(command: list[str], prints: bool, kept: bool = False) -> tuple[float, float, int]:
    """CPU seconds, GiB and exit code of one run; what it says of its stages goes to stderr."""
    env = {**os.environ} if kept else {**os.environ, "CLOISON_CACHE": "off"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # who installs has modules that are compiled
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    whole = usage.ru_utime + usage.ru_stime
    spent = float(said) if prints and process.returncode == 0 else whole
    return spent, usage.ru_maxrss / 2**20, process.returncode


def bound(path: Path, shaped: bool) -> float:
    """CPU seconds that nobody can do without: reading these files as YAML, or importing."""
    given = [path] if path.is_file() else []
    found = [*given, *(f for f in path.parent.rglob("*.yaml") if f != path)]
    read = [sys.executable, "-c", READ, *map(str, found)] if shaped else []
    return measured(read or [sys.executable, "-c", IMPORTS], False)[0]


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice([*ROWS]))
@click.option("--rounds", default=1, show_default=True)
@click.option("--kept", is_flag=True, help="With what an earlier run has kept.")
def main(rows: tuple[str, ...], rounds: int, kept: bool) -> None:
    """Print the table, a row as soon as it is known."""
    for world in dict.fromkeys(ROWS[row].world for row in rows or ROWS):
        shape = SHAPES.get(world) or WRITTEN.get(world)
        click.echo(f"{world}: {shape} ({digest(shape)})" if shape else f"{world}: {WORLDS[world]}")
    click.echo(f"{'':10}{'':38}{'CPU s':>9}{'must':>7}{'GiB':>8}{'must':>6}{'bound s':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key in rows or ROWS:
            row = ROWS[key]
            path = inputs(row.world, folder)
            command = row.command(folder, path)
            if kept:
                measured(command, row.prints, kept)
            runs = [measured(command, row.prints, kept) for _ in range(rounds)]
            seconds, gib = statistics.median(r[0] for r in runs), max(r[1] for r in runs)
            over = "  over" if seconds > row.seconds or gib > row.gib else ""
            ends = "".join(f"  exits {code}" for code in sorted({r[2] for r in runs} - {0, 1}))
            click.echo(
                f"{key:10}{row.what:38}{seconds:9.2f}{row.seconds:7g}{gib:8.2f}{row.gib:6g}"
                f"{bound(path, row.world in SHAPES):9.2f}{over}{ends}"
            )


if __name__ == "__main__":
    main()
