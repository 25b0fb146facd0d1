"""The copy of the tree where mutants live, and how tests run there.

Always the same folder, so that kernels compiled for it stay warm: `$CLOISON_MUTANTS`, or one that
belongs to the checkout beside other temporary files. A copy is brought up to date without touching
files that are equal, because numba's cache goes by times. Nothing of the checkout is written to.

A mutated kernel changes the fingerprint of all kernels. Those that cannot have changed are taken
over: the warm cache is copied without the entries of the mutated module and of modules that import
it, whose code may contain the mutated function inlined.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("fabric", "compiler", "sim", "cloison")
KERNELS = "sim/kernels/"
JUDGE_TEXTS = (
    "tests/fabric/test_errors.py::test_every_code_is_documented_once_and_exists",
    "tests/fabric/test_errors.py::test_every_code_of_these_rooms_has_a_golden",
)
"""Tests that read the product's sources, and would see a fault where nothing is wrong but words."""
SELECTED = [
    *("-m", "not root", "-p", "no:cacheprovider", "-p", "mutants.killer", "-qq", "-x", "--tb=no"),
    *(f"--deselect={test}" for test in JUDGE_TEXTS),
]
MEMORY = 12 << 30


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run of tests: `failed` is the first that failed, "" when none did;
    `passed` that they were there, and all passed."""

    failed: str
    seconds: float
    out_of_time: bool = False
    output: str = ""
    passed: bool = False


def place() -> Path:
    """The folder of this checkout's copy: two checkouts never share one."""
    whose = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    default = Path(tempfile.gettempdir()) / f"cloison-mutants-{os.geteuid()}-{whose}"
    return Path(os.environ.get("CLOISON_MUTANTS") or default).resolve()


class Tree:
    """A copy of the checkout, up to date when made; nobody else has it until this process ends."""

    def __init__(self, folder: Path | None = None) -> None:
        self.home = folder or place()
        self.root = self.home / "tree"
        self.home.mkdir(parents=True, exist_ok=True)
        self._held = (self.home / "lock").open("w")
        fcntl.flock(self._held, fcntl.LOCK_EX)
        # what files may be read goes by the working tree that they are in
        (self.root / ".git").mkdir(parents=True, exist_ok=True)
        self.update()

    def update(self) -> None:
        """Copy what differs, remove what is gone."""
        wanted: set[Path] = set()
        for source in belonging():
            target = self.root / source.relative_to(ROOT)
            wanted.add(target)
            if not same(source, target):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        for target in files(self.root):
            if target not in wanted:
                target.unlink()

    @contextmanager
    def mutated(self, path: str, text: str) -> Iterator[None]:
        """The tree with another text in one file; the file's times come back with it."""
        target = self.root / path
        kept = self.home / "kept"
        shutil.copy2(target, kept)
        target.write_text(text, "utf-8")
        # A .pyc goes by whole seconds and size: a mutant must never be taken for its neighbour.
        for stale in target.parent.glob(f"__pycache__/{target.stem}.*"):
            stale.unlink()
        try:
            if path.startswith(KERNELS):
                with self.kernels(path):
                    yield
            else:
                yield
        finally:
            for stale in target.parent.glob(f"__pycache__/{target.stem}.*"):
                stale.unlink()
            shutil.copy2(kept, target)

    @contextmanager
    def kernels(self, path: str) -> Iterator[None]:
        """The cache of compiled kernels as it is warm for the mutated tree."""
        cold = self.cache_dir()
        warm = self.home / "warm"
        shutil.rmtree(cold, ignore_errors=True)
        if warm.is_dir():
            shutil.copytree(warm, cold)
            cold.chmod(0o700)
            for module in users(self.root, path):
                for entry in cold.rglob(f"{Path(module).stem}.*.nb[ic]"):
                    entry.unlink()
        try:
            yield
        finally:
            shutil.rmtree(cold, ignore_errors=True)

    def cache_dir(self) -> Path:
        """Where the tree as it is keeps its compiled kernels."""
        command = [sys.executable, "-c", "from sim.kernels import CACHE_DIR; print(CACHE_DIR)"]
        done = subprocess.run(
            command, cwd=self.root, env=self.environment(), capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        return Path(done.stdout.strip())

    def adopt(self) -> None:
        """Take compiled kernels over from the checkout: numba keeps them by the folder of the
        source, and looks at the source's time and size, which the copy shares."""
        from sim.kernels import cache_dir

        ours, theirs = cache_dir(), self.cache_dir()
        for source in (ROOT / KERNELS).rglob("*.py"):
            known, copied = (kept_for(r / source.relative_to(ROOT)) for r in (ROOT, self.root))
            if ours is not None and (ours / known).is_dir():
                (theirs / copied).mkdir(mode=0o700, parents=True, exist_ok=True)
                for entry in (ours / known).glob(f"{source.stem}.*"):
                    if not (theirs / copied / entry.name).exists():
                        shutil.copy2(entry, theirs / copied)

    def keep_warm(self) -> None:
        """Compile what the clean tree's kernels lack, and keep it for mutated kernels."""
        self.adopt()
        program = "from cloison.cli import main; main()"
        subprocess.run(
            [sys.executable, "-c", program, "warmup"],
            cwd=self.root, env=self.environment(), check=True, capture_output=True,
        )  # fmt: skip
        shutil.rmtree(self.home / "warm", ignore_errors=True)
        shutil.copytree(self.cache_dir(), self.home / "warm")

    def environment(self, **more: str) -> dict[str, str]:
        """What processes in the tree see: its packages first, its own caches, no terminal."""
        paths = os.pathsep.join([str(self.root), str(self.root / "tests")])
        ours = {
            "PYTHONPATH": paths,
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "CLOISON_SLICE": "0",
            "CLOISON_LAWS": "whole",
            "CLOISON_REQUIRE_ORACLES": "",
        }
        return {**os.environ, **ours, **more}

    def run(self, tests: list[str], limit: float, **environment: str) -> Run:
        """Run tests in order until one fails or the time is up: `limit` seconds of the processor,
        so that a busy machine lets no mutant live, and four times as long by the clock."""
        note = self.home / "killer"
        note.write_text("", "utf-8")
        allowed = math.ceil(limit)

        def bounded() -> None:
            resource.setrlimit(resource.RLIMIT_CPU, (allowed, allowed + 1))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

        begun = time.monotonic()
        with (self.home / "output").open("w+b") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *SELECTED, *tests],
                cwd=self.root,
                env=self.environment(CLOISON_KILLER=str(note), **environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
                preexec_fn=bounded,
            )
            used, status, late = self._wait(process.pid, begun + 4 * limit)
            output.seek(0)
            text = output.read().decode("utf-8", "replace")
        late = late or status in (-signal.SIGXCPU, -signal.SIGKILL)
        word, _, test = note.read_text("utf-8").partition(" ")
        crashed = word == "running" and status < 0 and not late
        failed = test if word == "failed" or crashed else ""
        return Run(failed, used, late and not failed, text, status == 0)

    def _wait(self, pid: int, until: float) -> tuple[float, int, bool]:
        """Processor time of a process with its children, its exit code, whether it was ended."""
        late = False
        while True:
            found, status, usage = os.wait4(pid, os.WNOHANG)
            if found:
                return usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status), late
            if time.monotonic() > until and not late:
                os.killpg(pid, signal.SIGKILL)
                late = True
            time.sleep(0.02)


def kept_for(source: Path) -> str:
    """What numba calls the folder of what it compiled of a source."""
    parent = str(source.parent)
    return f"{source.parent.name}_{hashlib.sha1(parent.encode()).hexdigest()}"


def belonging() -> Iterator[Path]:
    """Every file of the checkout that git knows or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    yield from (
        path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()
    )


def files(top: Path) -> Iterator[Path]:
    """Every file below a folder, but what tests leave there."""
    for folder, names, leaves in os.walk(top):
        names[:] = sorted(n for n in names if n not in ("__pycache__", ".hypothesis"))
        yield from (Path(folder, leaf) for leaf in sorted(leaves) if not leaf.endswith(".pyc"))


def same(source: Path, target: Path) -> bool:
    """Whether a copy is there, byte by byte."""
    if not target.is_file() or target.stat().st_size != source.stat().st_size:
        return False
    return source.read_bytes() == target.read_bytes()


def users(root: Path, path: str) -> set[str]:
    """A kernel module and all that import it, through others or not."""
    folder = root / KERNELS
    imports = {str(file.relative_to(root)): imported(file) for file in sorted(folder.rglob("*.py"))}
    found = {path}
    while True:
        names = {module(p) for p in found}
        more = {p for p, used in imports.items() if used & names} - found
        if not more:
            return found
        found |= more


def module(path: str) -> str:
    """The dotted name of a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(file: Path) -> set[str]:
    """Dotted names that a file imports, `from a import b` as both a and a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names
