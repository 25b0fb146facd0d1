"""The table of scale: what each piece of work costs on a world of a stated size, and what it must.

    python bench/scale.py [ROW…] [--rounds 3] [--kept]

Each row is a command in a process of its own, or a part of what one does: CPU seconds (median of
the rounds; of rows that may take longer than 20 s one round) and the most memory that the process
had. `must` is what we hold ourselves to, `push` where we aim. A row that ends with another exit
code than 0 or 1 says so: its figures are of an answer that was not given. Kernels are compiled
before, but for the row that measures that.

Nothing is kept from run to run, as on a machine that reads the fabric for the first time. With
`--kept` each row has run once before, as at a desk, where what was read stays until a file changes
(docs/limits.md). The bound is what Python needs, in the same run, to start and import what verbs
import: no verb can do with less.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
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
NUMBER = re.compile(r"[-+.e0-9]+")
FAR = "t0001/@node/host1", "t0001/@node/host900:443/tcp"
STAGES = """
import sys, time
from pathlib import Path
from compiler.targets.profiles import DASH_400G
from compiler.targets.usage import usage
from fabric.building.build import build, rebuild
from fabric.building.load import load_fabric
from sim.blocks.blocks import build_blocks
from sim.worlds.world import World

clock = time.process_time
last = clock()
total = 0.0
def lap(name):
    global last, total
    spent = clock() - last
    total += spent
    print(name, spent, sep="\\t", flush=True)
    last = clock()
spec = load_fabric(Path(sys.argv[1])); lap("load")
network = build(spec, lock=False); lap("build")
if sys.argv[2:] == ["all"]:
    program = World(network).program; lap("compile")
    blocks = build_blocks(program); lap("blocks")
    usage(program, DASH_400G); lap("usage")
print("total", total, sep="\\t", flush=True)
if sys.argv[2:] == ["all"]:
    from sim.proof.prove import prove
    proof = prove(World.compiled(program, blocks)); lap("prove")
elif sys.argv[2:]:
    network.underlay.table.hops
    for name in sys.argv[2:]:
        last = clock()
        after = rebuild(network, down=[name]); lap(f"{name} fails")
        after.underlay.table.hops; lap(f"{name} fails, next hops of everybody")
"""
PROOF = """
import gc, random, statistics, sys, time
sys.path.insert(0, sys.argv[1])
from many_tenants import many_tenants, random_rule
from compiler.edit import Edit, Editor
from compiler.policy.ir import Policy
from sim.blocks.blocks import build_blocks
from sim.blocks.update import update
from sim.proof.isolation.vrf_pairs import isolation, recheck

clock = time.process_time
network, policy = many_tenants(1000, 10_000, 8)
editor = Editor(network, policy)
blocks = build_blocks(editor.program)
gc.collect()
gc.freeze()
first, again = [], []
for _ in range(5):
    began = clock(); proof = isolation(blocks); first.append(clock() - began)
chance = random.Random(2)
mine = [rule for rule in policy.rules if rule.origin.kind.policy]
for _ in range(60):
    at = chance.randrange(len(mine))
    old = mine[at]
    mine[at] = random_rule(old.origin.name.partition("/")[0], old.order - 1, 8, chance)
    blocks = update(blocks, editor.apply(Edit(Policy((old,)), Policy((mine[at],)))))
    began = clock(); proof = recheck(proof, blocks); again.append(clock() - began)
assert proof.holds
print("proof", statistics.median(first), sep="\\t")
print("recheck", statistics.median(again), sep="\\t")
"""
SWEEP = """
import subprocess, sys, time

began = time.perf_counter()
command = [sys.argv[2], "verify", sys.argv[1], "--root", "/", "--workers", "2"]
code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
print("sweep", time.perf_counter() - began, sep="\\t")
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
IMPORTS = "import click, numpy, pydantic, yaml"
LONG = 20
"""Seconds that a row may take from which it is run once."""


@dataclass(frozen=True, slots=True)
class Row:
    """`command` makes the arguments of one process, given a folder and the input's path. Of what it
    prints (`name<TAB>seconds`) the largest of those that begin with `part` counts; all that it
    needs where there is no part. `push` and `gib` are aims and memory, 0 for none. With `kept` it
    has run once before; with `bare` it finds no compiled kernels."""

    what: str
    world: str
    command: Callable[[Path, Path], list[str]]
    seconds: float
    push: float = 0
    gib: float = 24.0
    part: str = ""
    kept: bool = False
    bare: bool = False


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


POD_STAGES, FAILING = (
    python(STAGES, "all"),
    python(STAGES, "pod1-leaf1--pod1-spine1", "pod1-spine1", "dpu1"),
)
PROOFS = python(PROOF)
EVERY = verb("compile", "{}", "-o", "{out}", *(w for f in FORMATS for w in ("--format", f)))
READ = verb("import", "nvue", "{}")
PAIR = "t017/web/bff", "t017/ml/infer:8000/tcp"
ROWS = {
    "pods": Row("load to usage", "pods", POD_STAGES, 90, 30, 8, "total"),
    "dpus": Row("build and converge", "dpus", FAILING, 60, 20, 8, "total"),
    "failure": Row("a link or node fails", "dpus", FAILING, 2, 0.2, 8, ":fails"),
    "vrfs": Row("build and converge", "vrfs", python(STAGES), 15, 5, 8, "total"),
    "proof": Row("proof of isolation", "tenants", PROOFS, 0.1, 0.05, part="proof"),
    "recheck": Row("again after one edited rule", "tenants", PROOFS, 0.002, 0.0005, part="recheck"),
    "kept": Row("verify, from what is kept", "large", verb("verify", "{}"), 0.5, 0.1, kept=True),
    "one-line": Row("diff, one line changed", "edited", verb("diff", "{large}", "{}"), 5, 1),
    "equal": Row("diff of equal worlds", "large", verb("diff", "{}", "{}"), 4, 1),
    "verify": Row("verify", "large", verb("verify", "{}"), 8, 3),
    "reach-to": Row("reach --to", "large", verb("reach", "{}", "--to", "shared/storage/s3"), 3, 1),
    "simulate": Row("simulate", "large", verb("simulate", "{}"), 10, 5),
    "explain": Row("explain", "large", verb("explain", "{}", *PAIR), 3, 1),
    "check": Row("check", "large", verb("check", "{}"), 3, 1),
    "reach": Row("reach DIR", "cluster", verb("reach", "{}", "-o", "json"), 10, 2, 2),
    "diff": Row("diff DIR DIR", "cluster", verb("diff", "{}", "{other}"), 10, 2, 2),
    "compile": Row("compile -o, every format", "large", EVERY, 15, 5),
    "certificate": Row(
        "verify --certificate", "large", verb("verify", "{}", "--certificate", "{proof}"), 60, 20
    ),
    "certified": Row(
        "verify --check-certificate",
        "proven",
        verb("verify", "{}", "--check-certificate", "{proof}"),
        120,
        30,
    ),
    "capture": Row("replay of 1 M packets", "capture", verb("replay", "{demo}", "{}"), 0.8, 0.3),
    "import": Row("import nvue, of Cumulus", "nvue-cumulus", READ, 20, 10, 2),
    "import-hbn": Row("import nvue, of HBN", "nvue", READ, 20, 10, 2),
    "first": Row("first simulate", "demo", verb("simulate", "-q", "{}"), 8, 4, bare=True),
}
"""What has a must; of `BESIDE` we say what it costs."""
BESIDE = {
    "pods-prove": Row("prove", "pods", POD_STAGES, 0, part="prove"),
    "dpus-check": Row("check", "dpus", verb("check", "{}"), 90, gib=8),
    "dpus-explain": Row("explain", "dpus", verb("explain", "{}", *FAR), 0, gib=8),
    "tables": Row("check, wiring in tables", "written", verb("check", "{}"), 5, gib=2),
    "wired": Row("verify, wiring in tables", "written", verb("verify", "{}"), 10, gib=2),
    "failures": Row(
        "any-1-node, seconds of two cores",
        "failures",
        python(SWEEP, CLOISON),
        60,
        gib=2,
        part="sweep",
    ),
}
EVERYTHING = ROWS | BESIDE
WORLDS = {
    "large": "large.yaml",
    "demo": "demo.yaml, and no compiled kernels",
    "nvue-cumulus": "large.yaml, compiled for Cumulus: 513 files, 62 MB",
    "nvue": "large.yaml, compiled for HBN: 513 files, 634 MB",
    "tenants": "1,000 tenants, 10,000 rules (many_tenants.py)",
    "edited": "large.yaml, and one line of it edited",
    "proven": "large.yaml, and a certificate of it",
    "failures": "large.yaml, with three lines that hold whatever node fails",
    "capture": f"{FRAMES:,} packets, {DIFFERENT:,} of them different, between pods of demo.yaml",
}


def inputs(world: str, folder: Path) -> Path:
    """Write a world below a folder once, and an edited copy of a cluster beside it."""
    if world in ("large", "demo", "tenants"):
        return {"large": LARGE, "demo": DEMO, "tenants": Path(__file__).parent}[world]
    if world in ("nvue", "nvue-cumulus"):
        if not (folder / world).exists():
            command = [CLOISON, "compile", LARGE, "--format", world, "-o", folder]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return folder / world
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


@dataclass(frozen=True, slots=True)
class Run:
    """CPU seconds, GiB and exit code of one process, and the seconds of the parts that it named."""

    whole: float
    gib: float
    code: int
    parts: Mapping[str, float]

    def seconds(self, part: str) -> float:
        """Those of a part, the longest of several (`:word`: of those that have the word)."""
        if not part:
            return self.whole
        word = part.removeprefix(":")
        found = [s for name, s in self.parts.items() if name.endswith(word) or name == part]
        return max(found, default=float("nan"))


def measured(command: list[str], kept: bool = False, home: Path | None = None) -> Run:
    """One run; `home` is where it keeps what it keeps."""
    env = {**os.environ} if kept else {**os.environ, "CLOISON_CACHE": "off"}
    env |= {"XDG_CACHE_HOME": str(home)} if home else {}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # who installs has modules that are compiled
    with tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL, env=env) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = (line.rstrip("\n").split("\t") for line in said if line.count("\t") == 1)
        parts = {name: float(text) for name, text in lines if NUMBER.fullmatch(text)}
    whole = usage.ru_utime + usage.ru_stime
    return Run(whole, usage.ru_maxrss / 2**20, process.returncode, parts)


def runs_of(row: Row, folder: Path, rounds: int, kept: bool) -> list[Run]:
    """Runs of a row's command; of a row that may take long one."""
    path = inputs(row.world, folder)
    command = row.command(folder, path)
    kept = kept or row.kept
    if kept:
        measured(command, kept)
    homes = [folder / f"home{n}" if row.bare else None for n in range(rounds)]
    return [measured(command, kept, home) for home in (homes[:1] if row.seconds > LONG else homes)]


def told(key: str, row: Row, runs: list[Run]) -> str:
    """A line of the table."""
    seconds, gib = statistics.median(r.seconds(row.part) for r in runs), max(r.gib for r in runs)
    over = seconds > (row.seconds or float("inf")) or gib > row.gib
    fits = "" if not row.seconds else "NO" if over or seconds != seconds else "yes"
    limit = f"{row.gib:g}" if row.gib < 24 else ""
    ends = "".join(f"  exits {code}" for code in sorted({r.code for r in runs} - {0, 1}))
    return (
        f"{key:14}{row.what:34}{row.world:10}{_short(seconds):>9}{_short(row.seconds):>8}"
        f"{_short(row.push):>8}{gib:7.2f}{limit:>6}  {fits:4}{ends}"
    )


def _short(seconds: float) -> str:
    return (
        ""
        if not seconds
        else f"{seconds:.2g}"
        if seconds < 0.1
        else f"{seconds:.2f}".rstrip("0").rstrip(".")
    )


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice([*EVERYTHING]))
@click.option("--rounds", default=3, show_default=True)
@click.option("--kept", is_flag=True, help="With what an earlier run has kept.")
def main(rows: tuple[str, ...], rounds: int, kept: bool) -> None:
    """Print the table, a row as soon as it is known."""
    asked = {key: EVERYTHING[key] for key in rows or EVERYTHING}
    for world in dict.fromkeys(row.world for row in asked.values()):
        shape = SHAPES.get(world) or WRITTEN.get(world)
        click.echo(f"{world}: {shape} ({digest(shape)})" if shape else f"{world}: {WORLDS[world]}")
    with tempfile.TemporaryDirectory() as name:
        folder, known = Path(name), dict[object, list[Run]]()
        measured([CLOISON, "simulate", "-q", str(DEMO)])
        bound = statistics.median(measured([sys.executable, "-c", IMPORTS]).whole for _ in range(3))
        click.echo(f"bound {bound:.2f} s, load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
        heads = f"{'CPU s':>9}{'must':>8}{'push':>8}{'GiB':>7}{'must':>6}  fits"
        click.echo(f"{'row':14}{'what':34}{'world':10}{heads}")
        for key, row in asked.items():
            runs = known.get((row.command, row.kept, row.bare))
            if runs is None:
                runs = known[row.command, row.kept, row.bare] = runs_of(row, folder, rounds, kept)
            click.echo(told(key, row, runs))
        click.echo(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
